"""A partition cut into minutes: runs of offsets without holes or overlaps, so that every record is counted once.

A record belongs to the minute of its timestamp, but to no earlier one than the record before it, and to none that is
closed: the cut depends on the log and on the position alone, and comes out the same after a crash.
"""

from dataclasses import dataclass, field
from typing import Final

MINUTE_MS: Final = 60_000


@dataclass
class Slice:
    """The records of one minute: from `first` up to, not including, `end`.

    Attributes
    ----------
    minute
        Its beginning, milliseconds since the epoch.
    passed_at
        When it was seen that later records were dealt with already; None while that was not so.
    """

    minute: int
    first: int
    end: int
    records: int = 0
    passed_at: int | None = None


@dataclass
class Log:
    """One partition.

    Attributes
    ----------
    read
        The next offset to be read.
    counted
        The first offset that is not counted yet; records before it are known.
    stamp
        The latest time so far, milliseconds since the epoch; later records count as no earlier.
    open
        The minutes that are not closed, the oldest first.
    """

    read: int
    counted: int
    stamp: int = 0
    open: list[Slice] = field(default_factory=list)

    def take(self, offset: int, timestamp_ms: int, now: int) -> Slice | None:
        """Count one record; return its minute, None for a record that is counted already.

        Parameters
        ----------
        timestamp_ms, now
            When it came by its own word, and the time now: it can't have come later than that.
        """
        if offset < self.read:
            return None
        self.read = offset + 1
        if offset < self.counted:
            return None
        self.stamp = max(self.stamp, min(timestamp_ms, now))
        minute = self.stamp - self.stamp % MINUTE_MS
        if not self.open or self.open[-1].minute != minute:
            self.open.append(Slice(minute, self.open[-1].end if self.open else self.counted, offset))
        latest = self.open[-1]
        latest.end, latest.records = offset + 1, latest.records + 1
        return latest

    def close(self) -> Slice:
        """Take away the oldest minute; later records are of later ones."""
        closed = self.open.pop(0)
        self.counted = closed.end
        self.stamp = max(self.stamp, closed.minute + MINUTE_MS)
        return closed


def log_from(start: int, counted: int, minute: int | None = None) -> Log:
    """Return a partition that is read from one offset on and counted from another, behind the last closed minute."""
    return Log(read=start, counted=max(start, counted), stamp=0 if minute is None else minute + MINUTE_MS)
