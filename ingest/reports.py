"""What a running feed tells: its progress, and the report at its end."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Progress:
    """How far a feed has come.

    Attributes
    ----------
    sent
        Events and rejections handed over so far, including those of earlier runs of the same replay.
    total
        How many there will be, or None when nobody knows; an upper bound when a time range is selected.
    accepted, rejected
        Events taken and refused by the door in this run.
    event_time
        The latest event time, milliseconds since the epoch; None before the first.
    elapsed_s
        Seconds since this run began.
    """

    sent: int
    total: int | None
    accepted: int
    rejected: int
    event_time: int | None
    elapsed_s: float


OnProgress = Callable[[Progress], None]

End = Literal["finished", "stopped", "already finished"]


@dataclass(frozen=True)
class FeedReport:
    """How a feed ended; everything in it is acknowledged by Kafka.

    Attributes
    ----------
    end
        `finished` at the end of the input or the limit, `stopped` by the stop event, `already finished`
        when an earlier run had done it all.
    sent
        Events and rejections handed over, including earlier runs of the same replay.
    accepted
        Events taken by the door in this run, by event type.
    rejected
        Events refused by the door in this run, by reason.
    elapsed_s
        Seconds that this run took.
    """

    end: End
    sent: int
    accepted: Mapping[str, int]
    rejected: Mapping[str, int]
    elapsed_s: float
