"""When the next event is due: pure decisions, with the clocks passed in; nothing here sleeps."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from ingest.ports import Clock

MAX_BEHIND_S: Final = 1.0
"""How far a schedule may fall behind before it is moved, in seconds: what a stall may be made up for."""


class Schedule(Protocol):
    """Says when an event is due."""

    def due_s(self, sent: int, event_time: int | None) -> float:
        """Return seconds after the start.

        Parameters
        ----------
        sent
            How many went before it.
        event_time
            Its time in milliseconds since the epoch; None for a refusal, which goes with its neighbours.
        """


class AsFastAsPossible:
    """Everything is due at once."""

    def due_s(self, sent: int, event_time: int | None) -> float:  # noqa: ARG002 - the port's signature
        """Return 0."""
        return 0.0


@dataclass(frozen=True)
class FixedRate:
    """So many events per second, evenly spread."""

    events_per_s: float

    def due_s(self, sent: int, event_time: int | None) -> float:  # noqa: ARG002 - the port's signature
        """Return the event's place in the even spread, in seconds."""
        return sent / self.events_per_s


class EventTime:
    """As the events happened, so many times as fast; the first event is due at once.

    Parameters
    ----------
    speed
        1 for the original speed, 60 for a minute in a second.
    """

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._first: int | None = None
        self._latest = 0.0

    def due_s(self, sent: int, event_time: int | None) -> float:  # noqa: ARG002 - the port's signature
        """Return the scaled distance from the first event; an event older than that is due at once."""
        if event_time is None:
            return self._latest
        if self._first is None:
            self._first = event_time
        self._latest = max(0.0, (event_time - self._first) / 1_000 / self._speed)
        return self._latest


def schedule(events_per_s: float | None, speed: float | None) -> Schedule:
    """Return the schedule for a rate, a speed, or neither."""
    if events_per_s is not None:
        return FixedRate(events_per_s)
    return AsFastAsPossible() if speed is None else EventTime(speed)


class Pacer:
    """Keeps a schedule on a clock.

    A stall is made up for by up to `MAX_BEHIND_S`; after a longer one the schedule is moved, so that no
    flood follows.

    Parameters
    ----------
    monotonic
        Seconds of a clock that never goes back.
    not_before
        If given, no event is due before this clock (milliseconds since the epoch) reaches its event time.
    """

    def __init__(
        self, schedule: Schedule, monotonic: Callable[[], float], not_before: Clock | None = None
    ) -> None:
        self._schedule = schedule
        self._monotonic = monotonic
        self._not_before = not_before
        self._start: float | None = None

    def wait_s(self, sent: int, event_time: int | None) -> float:
        """Return how long to wait before this event, in seconds; 0 when it is due."""
        now = self._monotonic()
        start = now if self._start is None else self._start
        wait = start + self._schedule.due_s(sent, event_time) - now
        self._start = start - min(0.0, wait + MAX_BEHIND_S)
        return max(0.0, wait, self._future_s(event_time))

    def _future_s(self, event_time: int | None) -> float:
        if self._not_before is None or event_time is None:
            return 0.0
        return (event_time - self._not_before()) / 1_000
