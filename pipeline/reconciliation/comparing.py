"""Comparing: which minute of a partition can be closed, and the rows that say what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.reconciliation import gaps, marks
from pipeline.reconciliation.gaps import SourceGap
from pipeline.reconciliation.marks import Marks
from pipeline.reconciliation.slices import MINUTE_MS, Log, Slice
from pipeline.reconciliation.tally import Tally, Where
from storage.counts import MinuteCount

ACCEPTED = "accepted"


@dataclass(frozen=True)
class Reached:
    """How far everybody has come.

    Attributes
    ----------
    heard_until
        Everything that had come until then was read, milliseconds since the epoch.
    done
        The next record that is not done yet, by partition, as whoever works on it has committed.
    dropped
        Whether the query says that it has dropped late rows.
    """

    heard_until: int
    done: Mapping[Where, int]
    dropped: bool


@dataclass(frozen=True)
class Waits:
    """Milliseconds after a minute's end: until it is compared, and until what is slow counts as missing."""

    grace_ms: int
    patience_ms: int


def due(tally: Tally, where: Where, reached: Reached, waits: Waits) -> Slice | None:
    """Return the oldest minute of a partition if it can be closed."""
    log = tally.logs[where]
    if not log.open or log.open[0].minute + MINUTE_MS + waits.grace_ms > reached.heard_until:
        return None
    oldest = log.open[0]
    is_over = oldest.minute + MINUTE_MS + waits.patience_ms <= reached.heard_until
    return oldest if is_over or _is_settled(tally, where, oldest, reached, waits) else None


def _is_settled(tally: Tally, where: Where, part: Slice, reached: Reached, waits: Waits) -> bool:
    topic, topics = where[0], tally.topics
    if topic in {topics.scores, topics.alerts}:
        return reached.done.get(where, 0) >= part.end
    if topic not in topics.sources:
        return True
    if reached.done.get(where, 0) >= part.end:
        return True
    log, known = tally.logs[where], [lane for _, lane in tally.lanes_of(where)]
    left = [lane for lane in known if not _is_whole(lane, part, dropped=reached.dropped)]
    if not all(_is_passed(lane, part, log, waits) for lane in left):
        part.passed_at = None
        return False
    if left and part.passed_at is None:
        part.passed_at = reached.heard_until
    return not left or (part.passed_at is not None and reached.heard_until >= part.passed_at + waits.grace_ms)


def _is_whole(lane: Marks, part: Slice, *, dropped: bool) -> bool:
    found = marks.sums(lane.of(part.first, part.end), late_counts=dropped)
    return not (found.missing or found.unrouted)


def _is_passed(lane: Marks, part: Slice, log: Log, waits: Waits) -> bool:
    """Whether an event that came a grace time later is scored already."""
    later = (s for s in log.open if s.minute >= part.minute + MINUTE_MS + waits.grace_ms)
    return any(lane.high >= s.first for s in later)


def accepted(where: Where, part: Slice) -> MinuteCount:
    """Return the row of what a source partition was given."""
    return counted(ACCEPTED, where, part)


def counted(stage: str, where: Where, part: Slice, checked: int = 0) -> MinuteCount:
    """Return the row of the records of one minute of a partition."""
    return MinuteCount(
        minute=part.minute,
        stage=stage,
        part=f"{where[0]}/{where[1]}",
        given=part.records,
        found=part.records,
        first_offset=part.first,
        end_offset=part.end,
        checked=checked,
    )


def lanes(tally: Tally, where: Where, part: Slice, *, dropped: bool) -> list[SourceGap]:
    """Return what each model has made of one minute of a source partition, gap or not."""
    return [
        SourceGap(lane, part.minute, part.first, known.of(part.first, part.end), late_counts=dropped)
        for lane, known in tally.lanes_of(where)
        if known.since <= part.first
    ]


def stage_of(tally: Tally, topic: str) -> str:
    """Return the stage that an output topic stands for."""
    return {
        tally.topics.scores: gaps.STORED,
        tally.topics.alerts: gaps.TAKEN,
        tally.topics.commands: gaps.PUBLISHED,
        tally.topics.acks: "answers",
    }.get(topic, "refused")
