"""Gaps: what is missing of a minute that was compared, kept until it has come, and across restarts as a row of counts."""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import msgspec

from pipeline.reconciliation import marks
from pipeline.reconciliation.marks import Sums
from storage.counts import MinuteCount

SCORED: Final = "scored"
ALERTS: Final = "alerts"
STORED: Final = "stored"
TAKEN: Final = "taken"
PUBLISHED: Final = "published"
RELEASED: Final = "released"
ANSWERED: Final = "answered"

STAGES: Final = (SCORED, ALERTS, STORED, TAKEN, PUBLISHED, RELEASED, ANSWERED)
"""What is compared, in the order of an event's way; a row of another stage only counts."""

KEPT: Final = 500
"""Most ids of a gap that are kept; with these come, the others are taken to have come."""

_encode = msgspec.json.Encoder().encode
_things = msgspec.json.Decoder(dict[str, list[str | int]])


class Lane(NamedTuple):
    """One model's view of one partition of a source topic (its name in Kafka)."""

    topic: str
    partition: int
    model: str

    @property
    def part(self) -> str:
        """How rows name it."""
        return f"{self.topic}/{self.partition} {self.model}"


@dataclass
class SourceGap:
    """A minute of which records are not scored, or scores over the threshold are no alerts.

    Attributes
    ----------
    late_counts
        Whether being late is a reason.
    rows
        As it was written down last.
    changed
        Whether something has come since.
    """

    lane: Lane
    minute: int
    first: int
    marks: bytearray
    late_counts: bool
    rows: tuple[MinuteCount, ...] = ()
    changed: bool = False

    def set(self, offset: int, mark: int) -> bool:
        """Set a mark; False for a record of another minute."""
        index = offset - self.first
        if not 0 <= index < len(self.marks):
            return False
        self.changed |= not self.marks[index] & mark
        self.marks[index] |= mark
        return True

    @property
    def sums(self) -> Sums:
        """The marks, summed."""
        return marks.sums(self.marks, late_counts=self.late_counts)

    def missing(self, most: int) -> list[int]:
        """Return offsets of records that are missing."""
        found = marks.offsets(self.first, self.marks, late_counts=self.late_counts)
        return [offset for _, offset in zip(range(most), found, strict=False)]

    def unrouted(self, most: int) -> list[int]:
        """Return offsets of records whose score is no alert."""
        found = (self.first + i for i, mark in enumerate(self.marks) if marks.is_unrouted(mark))
        return [offset for _, offset in zip(range(most), found, strict=False)]


@dataclass
class NamedGap:
    """A minute of which things are missing that have names.

    Attributes
    ----------
    count
        The row as it was compared.
    things
        What is missing, by name, with what it takes to look for it.
    rest
        How many more are missing.
    """

    count: MinuteCount
    things: dict[str, tuple[str | int, ...]]
    rest: int = 0


def source_rows(
    gap: SourceGap, ids: tuple[str, ...], unrouted: tuple[str, ...]
) -> tuple[MinuteCount, MinuteCount]:
    """Return the rows of a minute of one lane: its scores, and its alerts."""
    found = gap.sums
    is_open = bool(found.missing or found.unrouted)
    scored = MinuteCount(
        minute=gap.minute,
        stage=SCORED,
        part=gap.lane.part,
        given=found.given,
        found=found.scored,
        first_offset=gap.first,
        end_offset=gap.first + len(gap.marks),
        checked=found.given,
        missing=found.missing,
        counts={"dead-lettered": found.dead, "late": found.late, "dropped": int(gap.late_counts)},
        ids=ids,
        lost=zlib.compress(gap.marks) if is_open else b"",
    )
    alerts = replace(
        scored,
        stage=ALERTS,
        given=found.over,
        found=found.routed,
        checked=found.over,
        missing=found.unrouted,
        counts={"dropped": int(gap.late_counts)},
        ids=unrouted,
    )
    return scored, alerts


def named_row(gap: NamedGap, ids: int) -> MinuteCount:
    """Return the row of a minute with named gaps."""
    missing = len(gap.things) + gap.rest
    return replace(
        gap.count,
        found=max(0, gap.count.given - missing),
        missing=missing,
        ids=tuple(sorted(gap.things))[:ids],
        lost=zlib.compress(_encode(gap.things)) if gap.things else b"",
    )


def named_gap(count: MinuteCount, things: Iterable[tuple[str, tuple[str | int, ...]]]) -> NamedGap:
    """Return the gap of these things; of many, some are kept and the rest is counted."""
    ordered = sorted(things)
    return NamedGap(count, dict(ordered[:KEPT]), max(0, len(ordered) - KEPT))


def restored(rows: Iterable[MinuteCount]) -> tuple[list[SourceGap], list[NamedGap]]:
    """Return the gaps that rows hold."""
    sources: dict[tuple[int, str], SourceGap] = {}
    named = []
    for row in rows:
        if row.stage in {SCORED, ALERTS}:
            known = sources.setdefault((row.minute, row.part), _source_gap(row))
            known.rows = (*known.rows, row)
        elif row.stage in STAGES:
            things = _things.decode(zlib.decompress(row.lost)) if row.lost else {}
            kept = {name: tuple(values) for name, values in things.items()}
            named.append(NamedGap(row, kept, max(0, row.missing - len(kept))))
    return list(sources.values()), named


def _source_gap(row: MinuteCount) -> SourceGap:
    place, _, model = row.part.partition(" ")
    topic, _, partition = place.rpartition("/")
    return SourceGap(
        lane=Lane(topic, int(partition), model),
        minute=row.minute,
        first=row.first_offset,
        marks=bytearray(zlib.decompress(row.lost)),
        late_counts=bool(row.counts.get("dropped")),
    )
