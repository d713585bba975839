"""Where to begin: behind what is counted, and with the outputs early enough to see all that concerns it. Pure."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from pipeline.reconciliation.slices import MINUTE_MS, Log, log_from
from pipeline.reconciliation.tally import Where
from storage.counts import Position

Since: TypeAlias = Callable[[str, int], Mapping[int, int]]
"""Names the first offset of each partition of a topic (its name in Kafka) since a time in milliseconds."""


def starts(
    positions: Mapping[Where, Position],
    bounds: Mapping[Where, tuple[int, int]],
    sources: tuple[str, ...],
    since: Since,
    *,
    now: int,
    lookback_ms: int,
    skew_ms: int,
) -> dict[Where, Log]:
    """Return every partition from where it has to be read and counted.

    Parameters
    ----------
    positions
        How far partitions are counted; one that is ahead of its partition is of a log that is gone.
    bounds
        The first offset of each partition and the one after its last.
    lookback_ms, skew_ms
        How far back to begin where nothing is counted, and by how much clocks may differ.
    """
    known = {
        where: p for where, p in positions.items() if where in bounds and p.end_offset <= bounds[where][1]
    }
    oldest = min([now, *_begins(known, bounds, sources, now - lookback_ms)])
    topics = {topic for topic, _ in bounds}
    early = {
        topic: since(topic, oldest - skew_ms if topic not in sources else now - lookback_ms)
        for topic in topics
    }
    return {
        where: _log(known.get(where), first, early[where[0]][where[1]], is_source=where[0] in sources)
        for where, (first, _) in bounds.items()
    }


def _begins(
    known: Mapping[Where, Position],
    bounds: Mapping[Where, tuple[int, int]],
    sources: tuple[str, ...],
    otherwise: int,
) -> list[int]:
    """Return from when on each source partition has records to count."""
    found = []
    for where, (_, end) in bounds.items():
        if where[0] in sources:
            position = known.get(where)
            if position is None:
                found.append(otherwise)
            elif position.end_offset < end:
                found.append(position.minute + MINUTE_MS)
    return found


def _log(position: Position | None, first: int, early: int, *, is_source: bool) -> Log:
    if position is None:
        return log_from(max(first, early), max(first, early))
    start = position.end_offset if is_source else min(early, position.end_offset)
    return log_from(max(first, start), position.end_offset, position.minute)
