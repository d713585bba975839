"""Where each node of the cluster lives: its name, address, ports and files. Pure."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["kafka", "cassandra"]


@dataclass(frozen=True)
class Ports:
    """The ports of one kind of server, the same on each node's own address.

    Parameters
    ----------
    client
        Where clients connect.
    internal
        Where the nodes talk to each other (Kafka controllers, Cassandra storage).
    """

    client: int
    internal: int


@dataclass(frozen=True)
class Node:
    """One server process."""

    kind: Kind
    number: int
    ports: Ports
    directory: Path

    @property
    def name(self) -> str:
        """Give the node's name, such as kafka-1."""
        return f"{self.kind}-{self.number}"

    @property
    def host(self) -> str:
        """Give the loopback address that only this node of its kind listens on."""
        return host_of(self.number)

    @property
    def log(self) -> Path:
        """Give the server's own log file."""
        return self.directory / "logs" / "server.log"

    @property
    def output(self) -> Path:
        """Give the file of what the Java process itself printed."""
        return self.directory / "logs" / "output.log"

    @property
    def data(self) -> Path:
        """Give the directory of what the server stores."""
        return self.directory / "data"

    @property
    def process_record(self) -> Path:
        """Give the file that says which process this node is."""
        return self.directory / "process.json"


def host_of(number: int) -> str:
    """Give the loopback address of the nodes with this number."""
    return f"127.0.0.{number}"


def servers_dir(state_dir: Path) -> Path:
    """Give the directory below which all nodes live."""
    return state_dir.absolute() / "servers"


def cluster(kind: Kind, count: int, ports: Ports, state_dir: Path) -> tuple[Node, ...]:
    """Lay out the nodes of one kind."""
    root = servers_dir(state_dir)
    return tuple(Node(kind, number, ports, root / f"{kind}-{number}") for number in range(1, count + 1))
