"""The in-memory twin of the counts."""

from collections.abc import Iterable, Sequence
from threading import Lock

from storage.counts import MinuteCount, Position
from storage.times import days_between


class MemoryCounts:
    """Counts in a dictionary; safe for threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: dict[tuple[int, str, str], MinuteCount] = {}
        self._positions: dict[str, Position] = {}

    def record(self, counts: Sequence[MinuteCount], position: Position | None = None) -> None:
        """Store counts, each in place of what was there, and the position with them."""
        with self._lock:
            self._counts.update({(c.minute, c.stage, c.part): c for c in counts})
            if position is not None:
                self._positions[position.part] = position

    def positions(self) -> list[Position]:
        """Return how far every partition is counted, sorted by part."""
        return sorted(self._positions.values(), key=lambda position: position.part)

    def between(self, start_ms: int, end_ms: int) -> list[MinuteCount]:
        """Return the counts of minutes with start <= beginning < end."""
        days_between(start_ms, end_ms)
        return _in_order(c for c in self._counts.values() if start_ms <= c.minute < end_ms)

    def gaps(self) -> list[MinuteCount]:
        """Return the counts with something missing."""
        return _in_order(c for c in self._counts.values() if c.missing > 0)


def _in_order(counts: Iterable[MinuteCount]) -> list[MinuteCount]:
    return sorted(counts, key=lambda count: (count.minute, count.stage, count.part))
