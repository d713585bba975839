"""What is written down about the cluster in `servers.json`, for the other commands and the next start."""

import base64
import contextlib
import fcntl
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from infra.embedded.cassandra import DATACENTER
from infra.embedded.kafka import bootstrap_servers
from infra.embedded.layout import Node, Ports, cluster
from infra.errors import RefuseStateError

_FORMAT = 1


@dataclass(frozen=True)
class Endpoints:
    """Where the servers answer."""

    kafka_bootstrap: str
    cassandra_contact_points: tuple[str, ...]
    cassandra_port: int
    cassandra_dc: str
    replication_factor: int


@dataclass(frozen=True)
class ClusterState:
    """What a cluster is and stays, from its first start until it is wiped."""

    nodes: int
    cluster_id: str
    kafka: Ports
    cassandra: Ports

    def kafka_nodes(self, state_dir: Path) -> tuple[Node, ...]:
        """Lay out the brokers."""
        return cluster("kafka", self.nodes, self.kafka, state_dir)

    def cassandra_nodes(self, state_dir: Path) -> tuple[Node, ...]:
        """Lay out the Cassandra nodes."""
        return cluster("cassandra", self.nodes, self.cassandra, state_dir)

    def all_nodes(self, state_dir: Path) -> tuple[Node, ...]:
        """Lay out the brokers and the Cassandra nodes."""
        return (*self.kafka_nodes(state_dir), *self.cassandra_nodes(state_dir))

    def endpoints(self, state_dir: Path) -> Endpoints:
        """Give the addresses that clients use."""
        return Endpoints(
            kafka_bootstrap=bootstrap_servers(self.kafka_nodes(state_dir)),
            cassandra_contact_points=tuple(node.host for node in self.cassandra_nodes(state_dir)),
            cassandra_port=self.cassandra.client,
            cassandra_dc=DATACENTER,
            replication_factor=self.nodes,
        )


def servers_json(state_dir: Path) -> Path:
    """Give the file that names the cluster."""
    return state_dir / "servers.json"


def new_cluster_id(random_bytes: Callable[[], bytes] = lambda: uuid.uuid4().bytes) -> str:
    """Give an id for a Kafka cluster (base64 of 16 bytes; Kafka refuses one that begins with a dash)."""
    return base64.urlsafe_b64encode(b"\x00" + random_bytes()[1:]).rstrip(b"=").decode()


def read_state(state_dir: Path) -> ClusterState | None:
    """Read `servers.json`; None when there is no cluster yet."""
    path = servers_json(state_dir)
    try:
        return _from_json(json.loads(path.read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise RefuseStateError(
            f"{path} cannot be read ({error!r}). Stop the servers that are named below {state_dir}/servers, "
            "then delete this directory."
        ) from error


def _from_json(raw: dict[str, object]) -> ClusterState:
    if raw["format"] != _FORMAT:
        raise ValueError(f"format {raw['format']}, this version writes {_FORMAT}")
    cluster_state = raw["cluster"]
    if not isinstance(cluster_state, dict):
        raise TypeError("cluster is not an object")
    return ClusterState(
        nodes=cluster_state["nodes"],
        cluster_id=cluster_state["cluster_id"],
        kafka=Ports(**cluster_state["kafka"]),
        cassandra=Ports(**cluster_state["cassandra"]),
    )


def write_state(state_dir: Path, state: ClusterState) -> None:
    """Write `servers.json`, whole or not at all."""
    raw = {"format": _FORMAT, "cluster": asdict(state), "endpoints": asdict(state.endpoints(state_dir))}
    unfinished = servers_json(state_dir).with_suffix(".new")
    unfinished.write_text(json.dumps(raw, indent=2) + "\n")
    unfinished.replace(servers_json(state_dir))


@contextlib.contextmanager
def locked(state_dir: Path, report: Callable[[str], None]) -> Iterator[None]:
    """Let only one start or stop at a time work on a state directory."""
    state_dir.mkdir(parents=True, exist_ok=True)
    with (state_dir / "servers.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report(f"Another start or stop is at work in {state_dir}: waiting for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
