"""Saves whose answer is lost, on the real server: settled when the token is found, never doubled."""

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

import pytest
from cassandra import OperationTimedOut, WriteTimeout, WriteType
from cassandra.query import BatchStatement

from storage.buckets import bucket_of
from storage.entities import Change, CommandRow, Save
from storage.entity_store import CassandraEntityStore
from storage.errors import RetryLaterError, StaleWriteError
from storage.settings import CassandraSettings

pytestmark = pytest.mark.cassandra

CHANGE = Change("s1", ("e1/fraud",), (CommandRow("k1", "queued", "{}"),))
LOST = WriteTimeout("lost", consistency=9, write_type=WriteType.CAS)


class Lossy:
    """A session that loses answers to conditional batches: before they are sent, or after they were applied."""

    def __init__(
        self,
        session: Any,
        losses: Iterable[tuple[str, Exception]],
        meanwhile: Callable[[], object] | None = None,
    ) -> None:
        self._session = session
        self._losses = list(losses)
        self._meanwhile = meanwhile
        self.batches = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def execute(self, statement: Any, *parameters: Any) -> Any:
        if not isinstance(statement, BatchStatement) or not self._losses:
            return self._session.execute(statement, *parameters)
        self.batches += 1
        when, error = self._losses.pop(0)
        if when == "after":
            self._session.execute(statement, *parameters)
        if self._meanwhile is not None:
            self._meanwhile()
        raise error


@pytest.fixture
def keyspace(emptied_keyspace: str) -> str:
    return emptied_keyspace


@pytest.fixture
def honest(session: Any, settings: CassandraSettings) -> CassandraEntityStore:
    return CassandraEntityStore(session, settings, lambda: 0)


def through(session: Any, settings: CassandraSettings) -> CassandraEntityStore:
    return CassandraEntityStore(session, settings, lambda: 0)


@pytest.mark.parametrize("error", [LOST, OperationTimedOut()])
def test_a_save_that_was_applied_is_recognised(
    session: Any, settings: CassandraSettings, honest: CassandraEntityStore, error: Exception
) -> None:
    store = through(Lossy(session, [("after", error)]), settings)
    assert store.save("card-1", 0, CHANGE) == 1
    assert honest.load("card-1").version == 1


def test_a_save_that_never_arrived_is_sent_again(
    session: Any, settings: CassandraSettings, honest: CassandraEntityStore
) -> None:
    store = through(Lossy(session, [("before", LOST), ("before", LOST)]), settings)
    assert store.save("card-1", 0, CHANGE) == 1
    assert honest.load("card-1").alerts == frozenset(CHANGE.alerts)


def test_both_losses_in_turn_leave_one_version(
    session: Any, settings: CassandraSettings, honest: CassandraEntityStore
) -> None:
    store = through(Lossy(session, [("before", LOST), ("after", LOST), ("after", LOST)]), settings)
    assert store.save("card-1", 0, CHANGE) == 1
    assert honest.load("card-1").version == 1


def test_another_writer_in_between_makes_the_save_stale(
    session: Any, settings: CassandraSettings, honest: CassandraEntityStore
) -> None:
    def meanwhile() -> None:
        honest.save("card-1", 0, Change("other"))

    store = through(Lossy(session, [("before", LOST)], meanwhile), settings)
    with pytest.raises(StaleWriteError):
        store.save("card-1", 0, CHANGE)
    assert (honest.load("card-1").state, honest.load("card-1").alerts) == ("other", frozenset())


def test_an_applied_save_that_was_built_upon_is_stale_and_a_redo_doubles_nothing(
    session: Any, settings: CassandraSettings, honest: CassandraEntityStore
) -> None:
    def meanwhile() -> None:
        honest.save("card-1", 1, Change("other"))

    store = through(Lossy(session, [("after", LOST)], meanwhile), settings)
    with pytest.raises(StaleWriteError):
        store.save("card-1", 0, CHANGE)
    now = honest.load("card-1")
    assert (now.version, now.state, now.alerts) == (2, "other", frozenset(CHANGE.alerts))
    honest.save("card-1", 2, CHANGE)
    assert honest.load("card-1").alerts == frozenset(CHANGE.alerts)
    assert honest.load("card-1").commands == CHANGE.commands


def test_an_outage_ends_in_an_error_that_says_so(session: Any, settings: CassandraSettings) -> None:
    lossy = Lossy(session, [("before", LOST)] * 50)
    with pytest.raises(RetryLaterError, match="card-1"):
        through(lossy, settings).save("card-1", 0, CHANGE)
    assert 2 <= lossy.batches < 10


def test_tokens_tell_writers_apart(session: Any, settings: CassandraSettings) -> None:
    tokens = iter([UUID(int=1, version=4), UUID(int=2, version=4)])
    store = CassandraEntityStore(session, settings, lambda: 0, lambda: next(tokens))
    store.save("card-1", 0, CHANGE)
    with pytest.raises(StaleWriteError):
        store.save("card-1", 0, CHANGE)


NEIGHBOURS = [name for name in (f"card-{n}" for n in range(3_000)) if bucket_of(name) == bucket_of("card-0")][
    :5
]


@pytest.mark.parametrize("when", ["before", "after"])
def test_of_a_shared_batch_whose_answer_is_lost_each_save_is_settled_alone(
    session: Any, settings: CassandraSettings, honest: CassandraEntityStore, when: str
) -> None:
    lossy = Lossy(session, [(when, LOST), (when, LOST)])
    found = through(lossy, settings).save_all([Save(name, 0, CHANGE) for name in NEIGHBOURS])
    assert found == [1] * len(NEIGHBOURS)
    assert lossy.batches == 2
    assert all(honest.load(name).version == 1 for name in NEIGHBOURS)


def test_another_writer_of_one_refuses_that_one_alone(
    session: Any, settings: CassandraSettings, honest: CassandraEntityStore
) -> None:
    def meanwhile() -> None:
        if honest.load(NEIGHBOURS[2]).version == 0:
            honest.save(NEIGHBOURS[2], 0, Change("other"))

    lossy = Lossy(session, [("before", LOST)], meanwhile)
    found = through(lossy, settings).save_all([Save(name, 0, CHANGE) for name in NEIGHBOURS])
    stale = found.pop(2)
    assert isinstance(stale, StaleWriteError)
    assert stale.found == 1
    assert found == [1] * (len(NEIGHBOURS) - 1)
    assert honest.load(NEIGHBOURS[2]).state == "other"
