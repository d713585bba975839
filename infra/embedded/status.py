"""What the servers of a state directory are doing now."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import psutil

from infra.bundles import CASSANDRA_VERSION, KAFKA_VERSION
from infra.embedded import processes
from infra.embedded.control import CassandraNodes, KafkaBrokers
from infra.embedded.layout import Kind, Node
from infra.embedded.settings import EmbeddedSettings
from infra.embedded.state import ClusterState, Endpoints, read_state

_VERSIONS: dict[Kind, str] = {"kafka": KAFKA_VERSION, "cassandra": CASSANDRA_VERSION}

Health = Literal["answers", "silent", "stopped"]


@dataclass(frozen=True)
class NodeStatus:
    """One server: `answers` accepts connections, `silent` is a process that does not, `stopped` is none."""

    name: str
    kind: Kind
    version: str
    host: str
    port: int
    internal_port: int
    health: Health
    pid: int | None
    memory_bytes: int
    disk_bytes: int
    log: str


@dataclass(frozen=True)
class Status:
    """The cluster: healthy when every node of both kinds is counted by its own kind."""

    state_dir: str
    endpoints: Endpoints | None
    nodes: tuple[NodeStatus, ...]
    kafka_answering: int
    cassandra_answering: int
    healthy: bool
    disk_bytes: int

    def as_dict(self) -> dict[str, Any]:
        """Give plain values for JSON."""
        return asdict(self)


def status(
    settings: EmbeddedSettings, *, kafka_brokers: KafkaBrokers, cassandra_nodes: CassandraNodes
) -> Status:
    """Look at every node, and ask each kind of server how many of it there are.

    Parameters
    ----------
    settings
        Names the state directory.
    kafka_brokers, cassandra_nodes
        As for `up`.
    """
    state = read_state(settings.state_dir)
    if state is None:
        return Status(str(settings.state_dir), None, (), 0, 0, healthy=False, disk_bytes=0)
    found = state.endpoints(settings.state_dir)
    nodes = _nodes(settings, state)
    brokers = _counted(nodes, "kafka") and kafka_brokers(found.kafka_bootstrap)
    members = _counted(nodes, "cassandra") and cassandra_nodes(
        found.cassandra_contact_points, found.cassandra_port
    )
    return Status(
        state_dir=str(settings.state_dir),
        endpoints=found,
        nodes=nodes,
        kafka_answering=brokers,
        cassandra_answering=members,
        healthy=brokers == members == state.nodes,
        disk_bytes=sum(node.disk_bytes for node in nodes),
    )


def pids(settings: EmbeddedSettings) -> dict[str, int | None]:
    """Return the process of each node by its name, None where it is gone; asks the operating system only, so it is cheap."""
    state = read_state(settings.state_dir)
    found = (
        {node.name: processes.running(node) for node in state.all_nodes(settings.state_dir)} if state else {}
    )
    return {name: process.pid if process else None for name, process in found.items()}


def _nodes(settings: EmbeddedSettings, state: ClusterState) -> tuple[NodeStatus, ...]:
    return tuple(map(_node, state.all_nodes(settings.state_dir)))


def _counted(nodes: tuple[NodeStatus, ...], kind: Kind) -> int:
    return sum(node.kind == kind and node.health == "answers" for node in nodes)


def _node(node: Node) -> NodeStatus:
    process = processes.running(node)
    return NodeStatus(
        name=node.name,
        kind=node.kind,
        version=_VERSIONS[node.kind],
        host=node.host,
        port=node.ports.client,
        internal_port=node.ports.internal,
        health=_health(node, process),
        pid=process.pid if process else None,
        memory_bytes=_memory(process),
        disk_bytes=processes.disk_bytes(node.directory),
        log=str(node.log),
    )


def _health(node: Node, process: psutil.Process | None) -> Health:
    if process is None:
        return "stopped"
    return "answers" if processes.answers(node) else "silent"


def _memory(process: psutil.Process | None) -> int:
    try:
        return process.memory_info().rss if process else 0
    except psutil.NoSuchProcess:
        return 0
