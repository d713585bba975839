"""Kafka and Cassandra as processes of this machine, on the Java that comes as a wheel."""

from infra.embedded.control import CassandraNodes, KafkaBrokers, down, endpoints, up
from infra.embedded.rolling import CaughtUp, restart
from infra.embedded.settings import EmbeddedSettings
from infra.embedded.state import Endpoints
from infra.embedded.status import NodeStatus, Status, pids, status

__all__ = [
    "CassandraNodes",
    "CaughtUp",
    "EmbeddedSettings",
    "Endpoints",
    "KafkaBrokers",
    "NodeStatus",
    "Status",
    "down",
    "endpoints",
    "pids",
    "restart",
    "status",
    "up",
]
