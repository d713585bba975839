"""The loop that feeds items to the door: paced, stoppable, with checkpoints of what Kafka has acknowledged."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from ingest.door import Door
from ingest.offers import Item, Offer
from ingest.pace import Pacer
from ingest.reports import End, FeedReport, OnProgress, Progress

LONGEST_WAIT_S: Final = 0.2
"""How often a waiting feed looks after its checkpoint, its progress and the stop event, in seconds."""

PROGRESS_EVERY_S: Final = 0.25

Keep = Callable[[int], None]
"""Keeps how many items are acknowledged."""

Monotonic = Callable[[], float]
"""Seconds of a clock that never goes back."""


@dataclass(frozen=True)
class Checkpoints:
    """When to keep how far a feed has come.

    Attributes
    ----------
    keep
        Called after Kafka has acknowledged everything before.
    every_s
        How often, in seconds; and once at the end.
    """

    keep: Keep
    every_s: float


class Feed:
    """One run of items through the door; use it once.

    Parameters
    ----------
    pacer
        Says when each item is due.
    stop
        Set it to end the run early; what was handed over is acknowledged first.
    on_progress
        Called a few times a second.
    already_sent
        How many items went in earlier runs.
    total
        How many there are with those, for the progress.
    """

    def __init__(
        self,
        door: Door,
        pacer: Pacer,
        *,
        stop: threading.Event,
        monotonic: Monotonic,
        on_progress: OnProgress,
        checkpoints: Checkpoints | None = None,
        already_sent: int = 0,
        total: int | None = None,
    ) -> None:
        self._door = door
        self._pacer = pacer
        self._stop = stop
        self._monotonic = monotonic
        self._on_progress = on_progress
        self._checkpoints = checkpoints
        self._sent = already_sent
        self._total = total
        self._event_time: int | None = None
        self._began = self._told = self._kept = monotonic()

    def run(self, items: Iterable[Item]) -> FeedReport:
        """Feed all items, or those before the stop.

        Raises
        ------
        RetryLaterError
            When Kafka did not acknowledge; the last checkpoint holds.
        """
        take = self._door.take
        end: End = "finished"
        for number, item in enumerate(items):
            time = item.event.event_time if isinstance(item, Offer) else None
            self._await(number, time)
            if self._stop.is_set():
                end = "stopped"
                break
            take(item)
            self._sent += 1
            self._event_time = time or self._event_time
        self._settle()
        return FeedReport(
            end, self._sent, dict(self._door.accepted), dict(self._door.rejected), self._elapsed()
        )

    def _await(self, number: int, time: int | None) -> None:
        self._look_after()
        while (wait := self._pacer.wait_s(number, time)) > 0 and not self._stop.is_set():
            self._stop.wait(min(wait, LONGEST_WAIT_S))
            self._look_after()

    def _look_after(self) -> None:
        now = self._monotonic()
        if now - self._told >= PROGRESS_EVERY_S:
            self._told = now
            self._tell()
        if self._checkpoints is not None and now - self._kept >= self._checkpoints.every_s:
            self._kept = now
            self._checkpoint()

    def _settle(self) -> None:
        self._checkpoint()
        self._tell()

    def _checkpoint(self) -> None:
        self._door.flush()
        if self._checkpoints is not None:
            self._checkpoints.keep(self._sent)

    def _tell(self) -> None:
        accepted, rejected = self._door.accepted.total(), self._door.rejected.total()
        progress = Progress(self._sent, self._total, accepted, rejected, self._event_time, self._elapsed())
        self._on_progress(progress)

    def _elapsed(self) -> float:
        return self._monotonic() - self._began
