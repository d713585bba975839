"""The reconciler: reads along, compares every minute once it is over, keeps counts, and tells of what is missing.

Whatever it holds in memory follows from the logs and from what it has recorded, so it may be killed at any point.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Final, Protocol

import structlog

from ingest.errors import RetryLaterError as KafkaAwayError
from ingest.ports import Clock, Record
from models.scores import Score
from pipeline.reconciliation import comparing, gaps, looks
from pipeline.reconciliation.alarming import Missing, alert
from pipeline.reconciliation.comparing import Reached, Waits
from pipeline.reconciliation.gaps import NamedGap, SourceGap
from pipeline.reconciliation.looks import Looks
from pipeline.reconciliation.settings import ReconcilerSettings
from pipeline.reconciliation.slices import MINUTE_MS, Slice
from pipeline.reconciliation.tally import Counted, Tally, Thing, Where
from storage.counts import CountStore, MinuteCount, Position
from storage.errors import RetryLaterError as StoreAwayError

STANDING: Final = (gaps.RELEASED, gaps.ANSWERED)

log = structlog.get_logger(__name__)


class Feed(Protocol):
    """The followed partitions."""

    def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        """Return the records that come within `timeout_s` seconds."""
        ...

    def bounds(self) -> dict[Where, tuple[int, int]]:
        """Return the first offset of every partition and the one after its last."""
        ...


@dataclass(frozen=True)
class World:
    """What the reconciler asks and tells.

    Attributes
    ----------
    done
        The next record not done yet, by partition: of the source topics by the queries, of others by their groups.
    dropped
        Whether the queries have dropped late rows.
    models
        What is deployed.
    names
        Names records of source topics by their places (topic, partition, offset).
    tell
        Takes an alert; it is told for good when this returns.
    """

    feed: Feed
    counts: CountStore
    looks: Looks
    done: Callable[[], Mapping[Where, int]]
    dropped: Callable[[], bool]
    models: Callable[[], Iterable[Counted]]
    names: Callable[[Sequence[tuple[str, int, int]]], list[str]]
    tell: Callable[[Score], None]
    clock: Clock


@dataclass
class _State:
    sources: list[SourceGap] = field(default_factory=list)
    named: list[NamedGap] = field(default_factory=list)
    noted: tuple[int, Mapping[Where, int], Mapping[Where, int]] | None = None
    heard_until: int = 0
    done: Mapping[Where, int] = field(default_factory=dict)
    looked_at: int = 0
    told_at: dict[str, int] = field(default_factory=dict)


class Reconciler:
    """Compares one pipeline; one instance a namespace.

    Parameters
    ----------
    tally
        Follows its partitions, and has taken nothing yet.
    keep_ms
        How long a gap is remembered, milliseconds.
    """

    def __init__(self, tally: Tally, world: World, settings: ReconcilerSettings, keep_ms: int) -> None:
        self._tally = tally
        self._world = world
        self._settings = settings
        self._keep_ms = keep_ms
        self._waits = Waits(round(settings.grace_s * 1_000), round(settings.patience_s * 1_000))
        self._state = _State()
        self._restore()

    def run(self, stop: Event) -> None:
        """Work until `stop` is set; while Kafka or Cassandra is away, wait."""
        while not stop.is_set():
            try:
                self.step()
            except (KafkaAwayError, StoreAwayError) as error:
                log.warning("reconciliation_waits", reason=str(error))
                stop.wait(self._settings.look_s)

    def step(self) -> None:
        """Take what has come, and look if it is time."""
        self._tally.take(self._world.feed.poll(self._settings.batch, self._settings.poll_s))
        now = self._world.clock()
        if now - self._state.looked_at >= self._settings.look_s * 1_000:
            self._state.looked_at = now
            self.look()

    def look(self) -> None:
        """Close the minutes that are over, look again at gaps, and tell of those that stay."""
        self._tally.use(self._world.models(), known=lambda _: False)
        self._note()
        reached = Reached(self._state.heard_until, self._state.done, self._world.dropped())
        for where in sorted(self._tally.logs):
            while (part := comparing.due(self._tally, where, reached, self._waits)) is not None:
                self._close(where, part, reached)
        self._look_again()
        self._stand()
        self._tell()

    def _restore(self) -> None:
        self._state.sources, self._state.named = gaps.restored(self._world.counts.gaps())
        for gap in self._state.sources:
            self._tally.gaps[gap.lane].append(gap)

    def _note(self) -> None:
        """Note what is done, then the ends of the logs; once they are reached, all that came of what was done is read."""
        if self._state.noted is None:
            now, done = self._world.clock(), self._world.done()
            self._state.noted = (
                now,
                done,
                {where: end for where, (_, end) in self._world.feed.bounds().items()},
            )
        at, done, ends = self._state.noted
        if all(self._tally.logs[where].read >= end for where, end in ends.items()):
            self._state.heard_until, self._state.done, self._state.noted = at, done, None

    def _close(self, where: Where, part: Slice, reached: Reached) -> None:
        is_source = where[0] in self._tally.topics.sources
        rows = self._source(where, part, reached) if is_source else self._output(where, part)
        newest = self._tally.newest.get(where[0], 0)
        position = Position(
            part=f"{where[0]}/{where[1]}", minute=part.minute, end_offset=part.end, newest=newest
        )
        self._world.counts.record([row for row, _ in rows], position)
        self._tally.closed(where)
        for row, gap in rows:
            if isinstance(gap, NamedGap):
                self._state.named.append(gap)
            elif gap is not None and row.stage == gaps.SCORED:
                self._state.sources.append(gap)
                self._tally.gaps[gap.lane].append(gap)

    def _source(
        self, where: Where, part: Slice, reached: Reached
    ) -> list[tuple[MinuteCount, SourceGap | NamedGap | None]]:
        rows: list[tuple[MinuteCount, SourceGap | NamedGap | None]] = [
            (comparing.accepted(where, part), None)
        ]
        for lane in comparing.lanes(self._tally, where, part, dropped=reached.dropped):
            lane.rows = self._source_rows(lane)
            is_gap = any(row.missing for row in lane.rows)
            rows += [(row, lane if is_gap else None) for row in lane.rows]
        return rows

    def _source_rows(self, gap: SourceGap) -> tuple[MinuteCount, ...]:
        def named(offsets: list[int]) -> tuple[str, ...]:
            places = [(gap.lane.topic, gap.lane.partition, offset) for offset in offsets]
            return tuple(self._world.names(places)) if places else ()

        ids, unrouted = named(gap.missing(self._settings.ids)), named(gap.unrouted(self._settings.ids))
        return gaps.source_rows(gap, ids, unrouted)

    def _output(self, where: Where, part: Slice) -> list[tuple[MinuteCount, SourceGap | NamedGap | None]]:
        stage = comparing.stage_of(self._tally, where[0])
        things = {
            name: thing
            for name, thing in self._tally.sample(where, part.minute).kept.items()
            if (*where, thing[-1]) not in self._tally.refused
        }
        gap = gaps.named_gap(
            comparing.counted(stage, where, part, len(things)),
            looks.missing(stage, things, self._world.looks).items(),
        )
        return [(gaps.named_row(gap, self._settings.ids), gap if gap.things else None)]

    def _look_again(self) -> None:
        oldest = self._world.clock() - self._keep_ms
        for gap in self._state.named:
            if gap.count.stage not in STANDING:
                self._settle(gap, looks.missing(gap.count.stage, gap.things, self._world.looks))
        self._state.named = [g for g in self._state.named if g.things and g.count.minute >= oldest]
        for source in [s for s in self._state.sources if s.changed]:
            rows = self._source_rows(source)
            self._world.counts.record(rows)
            source.rows, source.changed = rows, False
        self._state.sources = [s for s in self._state.sources if _is_open(s) and s.minute >= oldest]
        self._tally.gaps.clear()
        for source in self._state.sources:
            self._tally.gaps[source.lane].append(source)

    def _settle(self, gap: NamedGap, left: dict[str, Thing]) -> None:
        if left == gap.things:
            return
        gap.things, gap.rest = left, gap.rest if left else 0
        self._world.counts.record([gaps.named_row(gap, self._settings.ids)])

    def _stand(self) -> None:
        now = self._world.clock()
        for stage, things in looks.standing(self._world.looks, now, self._waits.grace_ms).items():
            known = next((g for g in self._state.named if g.count.stage == stage), None)
            if known is not None:
                self._settle(known, things)
                self._state.named = [g for g in self._state.named if g.things]
            elif things:
                count = MinuteCount(
                    minute=now - now % MINUTE_MS, stage=stage, part="commands", given=len(things), found=0,
                    checked=len(things),
                )  # fmt: skip
                gap = gaps.named_gap(count, things.items())
                self._world.counts.record([gaps.named_row(gap, self._settings.ids)])
                self._state.named.append(gap)

    def _tell(self) -> None:
        now, every_ms = self._world.clock(), round(self._settings.alarm_every_s * 1_000)
        for missing in self._missing():
            if now - self._state.told_at.get(missing.stage, 0) >= every_ms:
                self._world.tell(alert(missing, now, every_ms))
                self._state.told_at[missing.stage] = now
                log.warning("gap", stage=missing.stage, missing=missing.count, ids=missing.ids)

    def _missing(self) -> list[Missing]:
        rows = [gaps.named_row(gap, self._settings.ids) for gap in self._state.named]
        for source in self._state.sources:
            rows += source.rows
        return [found for stage in gaps.STAGES if (found := _missing_of(stage, rows, self._settings.ids))]


def _is_open(gap: SourceGap) -> bool:
    return bool(gap.sums.missing or gap.sums.unrouted)


def _missing_of(stage: str, rows: Iterable[MinuteCount], most: int) -> Missing | None:
    found = [row for row in rows if row.stage == stage and row.missing]
    if not found:
        return None
    ids = [name for row in sorted(found, key=lambda row: row.minute) for name in row.ids]
    return Missing(
        stage=stage,
        count=sum(row.missing for row in found),
        minutes=len({row.minute for row in found}),
        since=min(row.minute for row in found),
        ids=tuple(ids[:most]),
    )
