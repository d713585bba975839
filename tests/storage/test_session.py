"""Connecting, and what a session does while its only node is away and after it came back."""

import socket
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from models.scores import Score
from storage.entities import Change
from storage.entity_store import CassandraEntityStore
from storage.errors import RetryLaterError, StopProcessError
from storage.migrate import migrate
from storage.score_store import CassandraScoreStore
from storage.scores import StampedScore
from storage.session import connect, node_count
from storage.settings import CassandraSettings

pytestmark = pytest.mark.cassandra

PATIENCE_S = 60
T = TypeVar("T")


@pytest.fixture
def nobody() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def until(attempt: Callable[[], T]) -> T:
    """Return what an attempt gives once storage is back; the driver looks for its node every few seconds."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return attempt()
        except RetryLaterError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def through(settings: CassandraSettings, wire: Any) -> CassandraSettings:
    return settings.model_copy(update={"contact_points": ("127.0.0.1",), "port": wire.port})


def test_a_start_without_any_node_says_where_it_looked(settings: CassandraSettings, nobody: int) -> None:
    lonely = settings.model_copy(update={"port": nobody, "connect_give_up_s": 0})
    with pytest.raises(RetryLaterError, match=f"port {nobody} .is it started"), connect(lonely):
        pass


def test_a_start_waits_for_a_node_that_is_not_up_yet(settings: CassandraSettings, wire: Any) -> None:
    migrate(settings)
    wire.cut()
    late = through(settings, wire)
    timer = threading.Timer(0.5, wire.mend)
    timer.start()
    with connect(late) as session:
        assert session.execute("SELECT release_version FROM system.local").one() is not None
    timer.join()


def test_a_missing_keyspace_is_no_reason_to_wait(settings: CassandraSettings) -> None:
    with pytest.raises(StopProcessError, match="run the migrations first"), connect(settings):
        pass


def test_a_wrong_datacenter_is_named(settings: CassandraSettings) -> None:
    astray = settings.model_copy(update={"local_dc": "mars", "connect_give_up_s": 0})
    with pytest.raises(RetryLaterError, match="'mars'"), connect(astray):
        pass


def test_nodes_that_answer_are_counted(cassandra_endpoint: Any, nobody: int) -> None:
    points, port = cassandra_endpoint.contact_points, cassandra_endpoint.port
    assert node_count(points, port) == len(points)
    assert node_count(("127.0.0.1",), nobody) == 0


def test_a_node_that_takes_connections_and_says_nothing_does_not_count() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert node_count(("127.0.0.1",), silent.getsockname()[1], timeout_s=0.2) == 0


def test_a_session_outlives_its_node(
    settings: CassandraSettings,
    wire: Any,
    make_score: Callable[..., Score],
    stamped: Callable[..., list[StampedScore]],
) -> None:
    migrate(settings)
    remote = through(settings, wire)
    with connect(remote) as session:
        scores = CassandraScoreStore(session, remote)
        entities = CassandraEntityStore(session, remote, lambda: 0)
        scores.write(stamped(make_score("e1")))
        entities.save("card-1", 0, Change("before"))
        wire.cut()
        many = stamped(*(make_score(f"e{i}") for i in range(2, 200)))
        with pytest.raises(RetryLaterError):
            scores.write(many)
        with pytest.raises(RetryLaterError):
            entities.load("card-1")
        with pytest.raises(RetryLaterError):
            list(scores.ids())
        wire.mend()
        until(lambda: scores.write(many))
        assert len(until(lambda: list(scores.ids()))) == 199
        assert until(lambda: entities.save("card-1", 1, Change("after"))) == 2
        assert entities.load("card-1").state == "after"
