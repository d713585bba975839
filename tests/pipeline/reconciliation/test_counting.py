"""Counting is a function of the logs: crashes and redelivery at any point, in any order, give the same counts."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from zlib import crc32

from beside import Beside
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.memory import Bus
from ingest.settings import KafkaSettings, TopicSettings
from models import dead_letters, events, scores
from models.dead_letters import DeadLetter
from models.events import Transaction
from models.scores import Score
from pipeline.reconciliation.reconciler import Reconciler
from pipeline.reconciliation.samples import Sample
from pipeline.reconciliation.slices import MINUTE_MS, log_from
from storage.counts import MinuteCount, Position
from storage.errors import RetryLaterError
from storage.memory_counts import MemoryCounts

START = 1_800_000_000_000 - 1_800_000_000_000 % MINUTE_MS
KAFKA = KafkaSettings(
    bootstrap_servers="none", prefix="t-", topics={"transactions": TopicSettings(partitions=2)}
)


KEYS = tuple(
    next(str(k) for k in range(9) if crc32(str(k).encode()) % 2 == partition) for partition in (0, 1)
)
"""A key for each partition."""


class CrashError(Exception):
    """The process is killed."""


class Killing(MemoryCounts):
    """Kills the reconciler at some of its writes: before they are done, or after."""

    def __init__(self, kills: Sequence[str]) -> None:
        super().__init__()
        self._kills = list(kills)

    def record(self, counts: Sequence[MinuteCount], position: Position | None = None) -> None:
        kill = self._kills.pop(0) if self._kills else ""
        if kill == "away":
            raise RetryLaterError("Cassandra is away")
        if kill == "before":
            raise CrashError
        super().record(counts, position)
        if kill == "after":
            raise CrashError


def fate(name: str) -> st.SearchStrategy[tuple[int, str, int, int]]:
    return st.tuples(
        st.integers(0, 3 * MINUTE_MS), st.just(name), st.integers(0, 1), st.integers(-2 * MINUTE_MS, 2_000)
    )


EVENTS = st.lists(
    st.one_of(*map(fate, ("scored", "scored", "alert", "unrouted", "dead", "lost", "twice", "late score"))),
    min_size=1,
    max_size=40,
)


class Written:
    """A bus that events are written to in phases, each with what became of them."""

    def __init__(self) -> None:
        self.now = START
        self.bus = Bus(KAFKA, lambda: self.now)
        self.later: list[Score] = []
        self.sent = 0

    def phase(self, fates: Sequence[tuple[int, str, int, int]]) -> None:
        self.later, due = [], self.later
        for score in due:
            self._emit(score)
        begun = self.now
        for at, name, partition, skew in sorted(fates):
            self.now = begun + at
            self._event(name, partition, self.now + skew)
        self.now = begun + 4 * MINUTE_MS

    def _event(self, name: str, partition: int, stamp: int) -> None:
        self.sent += 1
        event = Transaction(
            event_id=f"e{self.sent}", event_time=stamp, card="tok_" + "0" * 24, terminal="T", amount=1.0
        )
        log = self.bus.logs["t-transactions", partition]
        self.bus.producer().send("transactions", KEYS[partition], events.encode(event), timestamp_ms=stamp)
        record = log[-1]
        if name == "dead":
            letter = DeadLetter(
                reason="x", detail="", source="kafka", position="", payload="", size=0, rejected_at=0,
                topic=record.topic, partition=record.partition, offset=record.offset,
            )  # fmt: skip
            self.bus.producer().send("dead-letters", "k", dead_letters.encode(letter))
        elif name != "lost":
            score = _score(event, record, 0.9 if name in {"alert", "unrouted"} else 0.1)
            if name == "late score":
                self.later.append(score)
            else:
                self._emit(score, alert=name == "alert")
                if name == "twice":
                    self._emit(score)

    def _emit(self, score: Score, *, alert: bool = False) -> None:
        self.bus.producer().send("scores", score.event_id, scores.encode(score))
        if alert:
            self.bus.producer().send("alerts", score.event_id, scores.encode(score))


def _score(event: Transaction, record: Any, value: float) -> Score:
    return Score(
        event_id=event.event_id, event_time=event.event_time, entity=event.card, model="fraud", version="1",
        score=value, threshold=0.5, features={}, event={}, arrivals={}, topic=record.topic,
        partition=record.partition, offset=record.offset, ingested_at=record.timestamp_ms,
    )  # fmt: skip


def counted(phases: Any, kills: Sequence[str], chunk: int) -> tuple[Written, Beside]:
    """Reconcile these phases with a reconciler that is killed at these writes and reads in chunks of this size."""
    written, store = Written(), Killing(kills)
    beside = Beside(written.bus, written.now, counts=store)
    done: dict[tuple[str, int], int] = {}
    beside.done = done
    running = beside.start(chunk=chunk)
    for fates in [*phases, [], []]:
        written.phase(fates)
        is_over = not (fates or written.later)
        done.update(
            {w: len(log) for w, log in written.bus.logs.items() if is_over or w[0] != "t-transactions"}
        )
        beside.now = written.now
        quiet = 0
        while quiet < 3:
            before = _state(running, beside)
            try:
                running.step()
                running.look()
            except CrashError:
                running = beside.start(chunk=chunk)
            except RetryLaterError:
                continue
            quiet = quiet + 1 if _state(running, beside) == before else 0
    return written, beside


def _state(running: Reconciler, beside: Beside) -> Any:
    return [log.read for log in running._tally.logs.values()], beside.counts.positions(), beside.counts.gaps()


def shown(beside: Beside) -> list[MinuteCount]:
    """Return the rows of what follows from the source, without the alerts that the reconciler itself has told."""
    rows = beside.counts.between(START - 60 * MINUTE_MS, START + 600 * MINUTE_MS)
    return [row for row in rows if row.stage in {"accepted", "scored", "alerts"}]


@settings(max_examples=25, deadline=None)
@given(
    phases=st.lists(EVENTS, min_size=1, max_size=3),
    kills=st.lists(st.sampled_from(["", "", "before", "after", "away"]), max_size=20),
    chunk=st.integers(1, 50),
)
def test_crashes_change_no_count(phases: Any, kills: Sequence[str], chunk: int) -> None:
    written, calm = counted(phases, [], 10_000)
    _, stormy = counted(phases, kills, chunk)
    assert shown(stormy) == shown(calm)
    assert calm.total("accepted") == written.sent
    names = [name for fates in phases for _, name, _, _ in fates]
    scored = [name for name in names if name not in {"dead", "lost"}]
    assert calm.total("scored", "found") == len(scored)
    assert calm.total("scored", "missing") == names.count("lost")
    assert calm.total("alerts", "missing") == names.count("unrouted")
    assert {row.missing > 0 for row in calm.counts.gaps()} <= {True}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 500), max_size=300), st.integers(1, 40), st.randoms())
def test_a_sample_is_bounded_even_and_the_same_in_any_order(ids: list[int], most: int, random: Any) -> None:
    first, second = Sample[int](most), Sample[int](most)
    for each in ids:
        first.add(f"id-{each}", each)
    again = ids + ids[:7]
    random.shuffle(again)
    for each in again:
        second.add(f"id-{each}", each)
    assert (first.level, first.kept) == (second.level, second.kept)
    assert len(first.kept) <= most
    assert len(set(ids)) > most or first.level == 0


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-10 * MINUTE_MS, 10 * MINUTE_MS), min_size=1), st.integers(0, 50))
def test_a_partition_is_cut_without_holes_or_overlaps(stamps: list[int], closed: int) -> None:
    log, slices = log_from(5, 5), []
    for offset, stamp in enumerate(stamps, 5):
        assert log.take(offset, START + stamp, START + MINUTE_MS) is not None
        assert log.take(offset, START + stamp, START + MINUTE_MS) is None
        if offset % 7 == closed % 7 and log.open:
            slices.append(replace(log.close()))
    slices += log.open
    assert [s.first for s in slices] == [5, *(s.end for s in slices[:-1])]
    assert slices[-1].end == 5 + len(stamps)
    assert [s.minute for s in slices] == sorted({s.minute for s in slices})
