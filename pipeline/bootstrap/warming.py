"""Warming with the real Kafka and Java: progress and an estimate for a person, and the offsets that were reached."""

import shutil
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from infra import jars
from infra.embedded.java import java_binary
from ingest.admin import end_offsets
from ingest.catalog import topic_name
from ingest.offsets import watermarks
from models.deployment import Candidate
from models.events import read_for
from models.service import warming
from pipeline.bootstrap.models import source_of
from pipeline.bootstrap.query import topics
from pipeline.errors import StopProcessError
from pipeline.settings import Settings
from processing.progress import Interval, Offsets, Watch
from processing.warming import warm

Report = Callable[[str], None]


@dataclass
class _Reading:
    """How far the warming has come, and when it has come far enough while events keep coming.

    Attributes
    ----------
    ends
        Tells the present end offsets of what is read.
    begun
        When it began, in seconds on a monotonic clock.
    goal
        The ends that have to be reached: first those at the beginning, then those of the moment when that was
        done, so that only a little is left to read at the take-over.
    """

    ends: Callable[[], Offsets]
    begun: float
    report: Report
    goal: Offsets
    renewed: bool = False
    done: int = 0
    read: dict[str, dict[int, int]] = field(default_factory=dict)

    def interval(self, interval: Interval) -> None:
        """Take in one interval and say when it may be over."""
        self.done += interval.rows
        self.read = interval.read
        took = time.monotonic() - self.begun
        left = _left(self.read, self.goal)
        if not left and not self.renewed:
            self.renewed, self.goal = True, self.ends()
            left = _left(self.read, self.goal)
        rate = self.done / took
        soon = f", about {left / rate:.0f} s more" if self.done and left else ""
        self.report(f"{self.done:,} records read in {took:.0f} s, {rate:,.0f}/s; {left:,} left{soon}")


def build(
    settings: Settings, event: str, candidate: Candidate, stop: threading.Event, report: Report
) -> Candidate:
    """Build the state of a candidate in its own checkpoint; return it with the offsets that were committed.

    Raises
    ------
    StopProcessError
        When it was stopped before its end; nothing of it is used.
    """
    events = read_for(event)
    held = sum(_held(settings, name) for name in events)
    report(
        f"new state is built from the {held:,} records that Kafka holds, beside the running query; "
        f"the first estimate follows in {settings.processing.idle_interval_s} s"
    )
    shutil.rmtree(settings.processing.checkpoint_dir / candidate.query, ignore_errors=True)

    def ends() -> Offsets:
        return _ends(settings, events)

    reading = _Reading(ends, time.monotonic(), report, ends())
    if held:
        warm(
            settings.processing.model_copy(update={"log_level": "ERROR"}),
            topics(settings.kafka, [event]),
            warming(event, candidate),
            java=java_binary(),
            jars=jars.resolve("spark", settings.embedded.jar_cache),
            stop=stop,
            watch=Watch(reading.interval, lambda: reading.goal),
        )
    if stop.is_set():
        raise StopProcessError("stopped before the state was built; nothing has changed")
    read = reading.read.get(topic_name(settings.kafka, source_of(event)), {})
    return Candidate(candidate.query, candidate.layout, read)


def _held(settings: Settings, event: str) -> int:
    return sum(end - first for first, end in watermarks(settings.kafka, source_of(event)).values())


def _left(read: Offsets, ends: Offsets) -> int:
    return sum(
        max(0, end - read.get(topic, {}).get(partition, 0))
        for topic, partitions in ends.items()
        for partition, end in partitions.items()
    )


def _ends(settings: Settings, events: Sequence[str]) -> Offsets:
    return {
        topic_name(settings.kafka, source_of(event)): end_offsets(settings.kafka, source_of(event))
        for event in events
    }
