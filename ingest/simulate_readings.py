"""Simulated readings of machines: a live stream through the door, or a file to train on. What `simulate readings` calls."""

import itertools
import math
import threading
import time
from collections.abc import Callable
from typing import Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

from ingest.door import Door
from ingest.feed import Feed
from ingest.fleet.chances import MS_PER_HOUR
from ingest.fleet.fleet import Fleet
from ingest.fleet.settings import FleetSettings
from ingest.fleet.stream import OnTruth, Orders, readings
from ingest.offers import Offer
from ingest.pace import Pacer, schedule
from ingest.ports import Clock
from ingest.reports import FeedReport, OnProgress

SOURCE: Final = "fleet"

HOURS_WITHOUT_LIMIT: Final = 8_760.0
"""How far back a run without limit begins, in hours."""

SURELY_SENT: Final = 0.5
"""The share of the readings that is surely there: gaps leave some out."""


class ReadingOptions(BaseModel):
    """Which readings to simulate, and how fast; with neither `hours` nor `limit` it goes on until stopped."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fleet: FleetSettings = Field(default_factory=FleetSettings, description="The machines.")
    start: AwareDatetime | None = Field(
        default=None, description="First event time; none: early enough to stay in the past."
    )
    hours: PositiveFloat | None = Field(default=None, description="So many hours of event time.")
    events_per_s: PositiveFloat | None = Field(
        default=None, description="Readings per second; none: as fast as possible."
    )
    limit: PositiveInt | None = Field(default=None, description="At most so many readings.")

    @property
    def ticks(self) -> int | None:
        """How many readings each machine has."""
        return None if self.hours is None else max(1, round(self.hours * 3_600 / self.fleet.every_s))


def run_reading_simulation(
    fleet: Fleet,
    options: ReadingOptions,
    *,
    door: Door,
    clock: Clock,
    stop: threading.Event,
    on_progress: OnProgress,
    orders: Orders = tuple,
    on_truth: OnTruth = lambda _: None,
    monotonic: Callable[[], float] = time.monotonic,
) -> FeedReport:
    """Send readings through the door, in the order in which they are measured.

    Event time runs as fast as `events_per_s` makes it, but never past the clock: having caught up, the
    stream goes on in real time. The same options and start give the same events with the same ids, as long
    as nothing is ordered.

    Parameters
    ----------
    fleet
        As `fleet_of` returns it for these options.
    door
        A fresh one, so that its counts are those of this run.
    clock
        Milliseconds since the epoch.
    stop
        Set it (Ctrl-C) to end early.
    on_progress
        Called a few times a second from this thread.
    orders
        Gives what the plant was ordered since it was last asked.
    on_truth
        Takes what was wrong with machines, sensors and clocks; what is not over yet at the end of the run.
    monotonic
        Seconds of a clock that never goes back.

    Raises
    ------
    RetryLaterError
        When Kafka did not acknowledge in time.
    """
    events = readings(fleet, options.ticks, orders, on_truth)
    offers = (Offer(event, SOURCE, number) for number, event in enumerate(events, 1))
    feed = Feed(
        door,
        Pacer(schedule(options.events_per_s, None), monotonic, not_before=clock),
        stop=stop,
        monotonic=monotonic,
        on_progress=on_progress,
        total=options.limit,
    )
    try:
        return feed.run(itertools.islice(offers, options.limit))
    finally:
        tell_open(fleet, on_truth)


def fleet_of(options: ReadingOptions, now_ms: int) -> Fleet:
    """Return the fleet of these options, at its start."""
    start = default_start(options, now_ms)
    if options.start is not None:
        start = round(options.start.timestamp() * 1_000)
    return Fleet(options.fleet, start)


def tell_open(fleet: Fleet, on_truth: OnTruth) -> None:
    """Hand over what has not been told: what is over since the last tick, and what is not over."""
    for truth in [*fleet.truths, *fleet.open_truths()]:
        on_truth(truth)


def default_start(options: ReadingOptions, now_ms: int) -> int:
    """Return a full hour from which the whole run, as far as its length is known, lies in the past.

    Parameters
    ----------
    now_ms
        Milliseconds since the epoch.
    """
    lengths = [options.hours or math.inf]
    if options.limit is not None:
        lengths.append(options.limit / options.fleet.readings_per_hour / SURELY_SENT + 1)
    length = min(lengths) if min(lengths) < math.inf else HOURS_WITHOUT_LIMIT
    return (now_ms - round(length * MS_PER_HOUR)) // MS_PER_HOUR * MS_PER_HOUR
