"""Settings and a migrated session for the tests of storage, scores to store, and a way to take a node away."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from cassandra.cluster import Session

from models.scores import Reason, Score, Shadow
from storage.migrate import migrate
from storage.scores import StampedScore
from storage.session import connect
from storage.settings import CassandraSettings

DAY_MS = 86_400_000
NOON = 20_000 * DAY_MS + DAY_MS // 2


@pytest.fixture
def settings(settings_of: Callable[[str], CassandraSettings], keyspace: str) -> CassandraSettings:
    """Give settings for a keyspace of this test."""
    return settings_of(keyspace)


@pytest.fixture
def session(settings: CassandraSettings) -> Iterator[Session]:
    """Give the product's own session on a migrated keyspace."""
    migrate(settings)
    with connect(settings) as opened:
        yield opened


MakeScore = Callable[..., Score]


@pytest.fixture
def make_score() -> MakeScore:
    """Give a maker of scores; what a test does not name is plausible."""

    def make(event_id: str = "e1", **fields: Any) -> Score:
        values: dict[str, Any] = {
            "event_time": NOON,
            "entity": "card-1",
            "model": "fraud",
            "version": "7",
            "score": 0.75,
            "threshold": 0.5,
            "features": {"amount": 12.5, "night": 0.1 + 0.2, "risk": None},
            "event": {"card": "card-1", "terminal": "t-9", "amount": 12.5, "nested": {"a": None}},
            "arrivals": {"terminal": 3},
            "topic": "transactions",
            "partition": 0,
            "offset": 41,
            "ingested_at": NOON + 7,
            "shadows": [Shadow("8", 0.25, 0.5)],
            "reasons": [Reason("amount", 1.5), Reason("night", -0.25)],
            "outputs": {"lower": 1.5, "upper": None},
            "below": True,
        }
        return Score(event_id=event_id, **{**values, **fields})

    return make


@pytest.fixture
def stamped() -> Callable[..., list[StampedScore]]:
    """Give a function that stamps scores in their order."""

    def stamp(*scores: Score, first: int = NOON * 1000) -> list[StampedScore]:
        return [StampedScore(score, first + i) for i, score in enumerate(scores)]

    return stamp


class Wire:
    """A TCP relay to a server, which can be cut and mended: to its clients, a node that dies and comes back."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._accept_from(self._listener)

    def cut(self) -> None:
        """Refuse new connections and break those that are open."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            broken, self._open = self._open, []
        for end in broken:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def mend(self) -> None:
        """Take connections again."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._accept_from(self._listener)

    def _accept_from(self, listener: socket.socket) -> None:
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(self._target)
                with self._lock:
                    self._open += [near, far]
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self._relay, args=pair, daemon=True).start()

    @staticmethod
    def _relay(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def wire(cassandra_endpoint: Any) -> Iterator[Wire]:
    """Give a relay to Cassandra that can be cut."""
    relay = Wire(cassandra_endpoint.contact_points[0], cassandra_endpoint.port)
    yield relay
    relay.cut()
