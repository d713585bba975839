"""What `status` shows: servers, topics, and who waits for what."""

from dataclasses import asdict, dataclass
from typing import Any

from infra.embedded import NodeStatus
from ingest.admin import broker_count
from ingest.errors import RetryLaterError
from pipeline import runs
from pipeline.bootstrap import lags, servers
from pipeline.settings import Settings
from storage.session import node_count


@dataclass(frozen=True)
class Overview:
    """The state of everything.

    Attributes
    ----------
    nodes
        The embedded servers; none where others are used.
    brokers, cassandra_nodes
        How many answer.
    topics
        Records ever written, by topic; None when they can't be asked for, or are not created yet.
    lags
        Records that wait, by `group: topic`, the query's first.
    run
        The process of `fastdata run` in this namespace, if one is there.
    disk_bytes
        What the embedded servers use.
    """

    kafka: str
    cassandra: str
    nodes: tuple[NodeStatus, ...]
    brokers: int
    cassandra_nodes: int
    healthy: bool
    topics: dict[str, int] | None
    lags: dict[str, int] | None
    run: int | None
    disk_bytes: int

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def gather(settings: Settings) -> Overview:
    """Ask everybody once."""
    where = settings.cassandra
    contact = ",".join(f"{host}:{where.port}" for host in where.contact_points)
    status = servers.look(settings.embedded) if servers.are_used(settings) else None
    brokers = status.kafka_answering if status else broker_count(settings.kafka.bootstrap_servers)
    members = status.cassandra_answering if status else node_count(where.contact_points, where.port)
    topics, waiting = _topics(settings) if brokers else (None, None)
    return Overview(
        kafka=settings.kafka.bootstrap_servers,
        cassandra=contact,
        nodes=status.nodes if status else (),
        brokers=brokers,
        cassandra_nodes=members,
        healthy=status.healthy if status else brokers > 0 and members > 0,
        topics=topics,
        lags=waiting,
        run=runs.owner(settings.run_dir),
        disk_bytes=status.disk_bytes if status else 0,
    )


def _topics(settings: Settings) -> tuple[dict[str, int] | None, dict[str, int] | None]:
    try:
        topics = {str(topic): end for topic, end in lags.ends(settings).items()}
        return topics, {"query: sources": lags.query_lag(settings), **lags.group_lags(settings)}
    except RetryLaterError:
        return None, None
