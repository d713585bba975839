"""Days and times: how milliseconds since the epoch become buckets and Cassandra values."""

from datetime import UTC, datetime, timedelta
from typing import Final

from storage.errors import RefuseInputError

DAY_MS: Final = 86_400_000
"""One bucket of time, in milliseconds."""

MAX_DAYS: Final = 400
"""Widest range of one read, in days: each day is a partition to ask."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def day_of(time_ms: int) -> int:
    """Return the day since the epoch (UTC) in which a time lies.

    A day is the bucket of a partition because it holds for both kinds of entity: a machine that reports
    every second fills 86,400 rows (some 60 MB), a month of it would be 2 GB; a card's month is read from
    30 small partitions at once.
    """
    return time_ms // DAY_MS


def days_between(start_ms: int, end_ms: int) -> range:
    """Return the days that hold the times start <= t < end.

    Raises
    ------
    RefuseInputError
        The range is reversed, or spans more than `MAX_DAYS` days.
    """
    if end_ms < start_ms:
        raise RefuseInputError(f"the range ends at {end_ms} before it starts at {start_ms}: swap them")
    days = range(day_of(start_ms), day_of(end_ms - 1) + 1)
    if len(days) > MAX_DAYS:
        raise RefuseInputError(
            f"the range spans {len(days)} days, at most {MAX_DAYS} are read at once: ask for less"
        )
    return days


def millis(time: datetime) -> int:
    """Return a time that Cassandra gave (naive, UTC) as milliseconds since the epoch."""
    return round((time.replace(tzinfo=UTC) - _EPOCH) / timedelta(milliseconds=1))
