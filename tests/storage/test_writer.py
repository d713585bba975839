from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Never

import pytest

from models.rejections import EMPTY, MALFORMED_JSON, OUT_OF_RANGE
from models.scores import Score, encode
from storage.errors import RetryLaterError, StopProcessError
from storage.memory import MemoryScoreStore
from storage.scores import StampedScore
from storage.settings import WriterSettings
from storage.writer import Writer, WriterCounts

FAST = WriterSettings(retry_first_s=0.001, retry_most_s=0.002, poll_s=0.001, batch=4)


@dataclass(frozen=True)
class Rec:
    offset: int
    value: bytes | None
    timestamp_ms: int = 1_000


@dataclass
class Topic:
    """A topic of one partition and one consumer, which begins where it committed."""

    values: list[bytes | None]
    committed: int = 0
    position: int = 0
    at_end: Event = field(default_factory=Event)

    def poll(self, max_records: int, timeout_s: float) -> list[Rec]:
        taken = self.values[self.position : self.position + max_records]
        records = [Rec(self.position + i, value) for i, value in enumerate(taken)]
        self.position += len(records)
        if not records:
            self.at_end.set()
        return records

    def commit(self, records: list[Rec]) -> None:
        self.committed = records[-1].offset + 1


class Failing(MemoryScoreStore):
    """Stores half of what it gets and fails, as often as told."""

    def __init__(self, *errors: Exception) -> None:
        super().__init__()
        self.errors = list(errors)

    def write(self, scores: Sequence[StampedScore]) -> None:
        if self.errors:
            super().write(scores[: len(scores) // 2])
            raise self.errors.pop(0)
        super().write(scores)


def writer(
    topic: Topic,
    store: MemoryScoreStore,
    rejects: list[tuple[int, str]] | None = None,
    settings: WriterSettings = FAST,
) -> Writer[Rec]:
    def reject(record: Rec, error: Exception) -> None:
        assert rejects is not None, error
        rejects.append((record.offset, error.reason))

    return Writer(topic, store, reject, settings)


def values(make_score: Callable[..., Score], count: int) -> list[bytes | None]:
    return [encode(make_score(f"e{i}")) for i in range(count)]


def ids(store: MemoryScoreStore) -> list[int]:
    return sorted(int(event_id[1:]) for event_id, _ in store.ids())


def test_it_runs_until_it_is_stopped_and_commits_what_it_stored(make_score: Callable[..., Score]) -> None:
    topic, store = Topic(values(make_score, 10)), MemoryScoreStore()
    mover = writer(topic, store)
    mover.run(topic.at_end)
    assert ids(store) == list(range(10))
    assert topic.committed == 10
    assert mover.counts == WriterCounts(stored=10)


def test_it_asks_for_no_more_than_it_may_hold(make_score: Callable[..., Score]) -> None:
    topic, store = Topic(values(make_score, 10)), MemoryScoreStore()
    assert writer(topic, store).step(Event()) == 4
    assert (topic.position, topic.committed) == (4, 4)


def test_an_outage_is_waited_out_and_nothing_is_lost(make_score: Callable[..., Score]) -> None:
    away = [RetryLaterError("away")] * 3
    topic, store = Topic(values(make_score, 10)), Failing(*away)
    mover = writer(topic, store)
    mover.run(topic.at_end)
    assert ids(store) == list(range(10))
    assert mover.counts == WriterCounts(stored=10, retries=3)


def test_nothing_is_committed_before_it_is_stored(make_score: Callable[..., Score]) -> None:
    topic, store = Topic(values(make_score, 4)), Failing(*[RetryLaterError("away")] * 1_000)
    with pytest.raises(RetryLaterError, match="away"):
        writer(topic, store, settings=FAST.model_copy(update={"give_up_s": 0.01})).run(Event())
    assert topic.committed == 0


def test_a_stop_during_an_outage_leaves_the_records_to_the_next_run(make_score: Callable[..., Score]) -> None:
    stop = Event()

    class Stopping(Failing):
        def write(self, scores: Sequence[StampedScore]) -> None:
            stop.set()
            super().write(scores)

    topic, store = Topic(values(make_score, 4)), Stopping(RetryLaterError("away"))
    writer(topic, store).run(stop)
    assert topic.committed == 0


def test_what_never_works_ends_it_at_once(make_score: Callable[..., Score]) -> None:
    topic, store = Topic(values(make_score, 4)), Failing(StopProcessError("no such table"))
    with pytest.raises(StopProcessError, match="no such table"):
        writer(topic, store).run(Event())
    assert topic.committed == 0


def test_a_crash_between_write_and_commit_repeats_the_write_and_doubles_nothing(
    make_score: Callable[..., Score],
) -> None:
    class Dying(Topic):
        def commit(self, records: list[Rec]) -> Never:
            raise KeyboardInterrupt

    store = MemoryScoreStore()
    dying = Dying(values(make_score, 4))
    with pytest.raises(KeyboardInterrupt):
        writer(dying, store).step(Event())
    again = Topic(dying.values)
    writer(again, store).run(again.at_end)
    assert ids(store) == list(range(4))
    assert again.committed == 4


def test_what_is_no_score_is_rejected_with_its_reason_and_passed(make_score: Callable[..., Score]) -> None:
    bad = [b"{", None, b"", b'{"event_id": 3}', encode(make_score("")), b"\xff\xfe"]
    topic, store, rejects = (
        Topic([*values(make_score, 2), *bad, encode(make_score("e2"))]),
        MemoryScoreStore(),
        [],
    )
    mover = writer(topic, store, rejects)
    mover.run(topic.at_end)
    reasons = [MALFORMED_JSON, EMPTY, EMPTY, MALFORMED_JSON, OUT_OF_RANGE, MALFORMED_JSON]
    assert rejects == list(enumerate(reasons, start=2))
    assert ids(store) == [0, 1, 2]
    assert (topic.committed, mover.counts.rejected) == (9, 6)


def test_a_record_that_cannot_be_rejected_is_not_committed(make_score: Callable[..., Score]) -> None:
    def reject(record: Rec, error: Exception) -> Never:
        raise RuntimeError("dead letters are away")

    topic = Topic([b"{"])
    with pytest.raises(RuntimeError, match="away"):
        Writer(topic, MemoryScoreStore(), reject, FAST).run(Event())
    assert topic.committed == 0
