"""The simulated fleet through the door or into files, and the plant that obeys accepted commands."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ingest.consumer import Consumer
from ingest.door import Door
from ingest.fleet import truth as truths
from ingest.fleet.fleet import Fleet
from ingest.fleet.history import write_history as write_fleet
from ingest.fleet.plant import Plant
from ingest.fleet.reader import OrderReader, reading_orders
from ingest.fleet.register import register_of
from ingest.fleet.settings import FleetSettings
from ingest.fleet.stream import OnTruth, Orders, run_name
from ingest.producer import Producer
from ingest.register import dump_toml
from ingest.reports import FeedReport, OnProgress, Progress
from ingest.simulate_readings import ReadingOptions, fleet_of, run_reading_simulation, tell_open
from pipeline.bootstrap.clocks import wall_ms
from pipeline.errors import RefuseUsageError
from pipeline.settings import Settings


def simulate(
    settings: Settings,
    options: ReadingOptions,
    stop: threading.Event,
    on_progress: OnProgress,
    truth: Path | None = None,
) -> FeedReport:
    """Send readings to the topics, and carry out what the gateway accepts for their machines meanwhile.

    Parameters
    ----------
    truth
        Where to write what was wrong with machines and sensors, as JSON Lines.
    """
    fleet = fleet_of(options, wall_ms())
    with _told(truth) as on_truth:
        return live(settings, options, fleet, stop, on_progress=on_progress, on_truth=on_truth)


def live(
    settings: Settings,
    options: ReadingOptions,
    fleet: Fleet,
    stop: threading.Event,
    *,
    on_progress: OnProgress,
    on_truth: OnTruth,
    on_accepted: Callable[[Mapping[str, int]], None] = lambda _: None,
) -> FeedReport:
    """Let a fleet live: its readings to the topics, accepted commands to its machines.

    Parameters
    ----------
    on_truth
        Takes what was wrong with machines and sensors, when it is over.
    on_accepted
        Called with every progress: how many events the door has taken, by event type.
    """
    with Producer(settings.kafka) as producer, _plant(settings, run_name(fleet)) as orders:
        door = Door(producer, wall_ms)

        def progress(step: Progress) -> None:
            on_progress(step)
            on_accepted(door.accepted)

        report = run_reading_simulation(
            fleet,
            options,
            door=door,
            clock=wall_ms,
            stop=stop,
            on_progress=progress,
            orders=orders,
            on_truth=on_truth,
        )
        on_accepted(report.accepted)
        return report


def write_history(options: ReadingOptions, path: Path, truth: Path | None) -> int:
    """Write readings to a Parquet file; return how many."""
    fleet = fleet_of(options, wall_ms())
    assert options.ticks is not None
    with _told(truth) as on_truth, _writable(path):
        count = write_fleet(path, fleet, options.ticks, on_truth)
        tell_open(fleet, on_truth)
    return count


def write_register(path: Path, settings: FleetSettings) -> int:
    """Write the register of a fleet as TOML; return how many machines it has."""
    machines = register_of(settings)
    with _writable(path):
        path.write_text(dump_toml(machines), encoding="utf-8")
    return len(machines)


@contextmanager
def _plant(settings: Settings, run: str) -> Iterator[Orders]:
    """Read what is ordered from now on; every run has a group of its own, since any may have the machine."""
    plant = Plant(since=wall_ms())
    with (
        Consumer(settings.kafka, f"plant-{run}", ["commands", "acks"]) as consumer,
        reading_orders(OrderReader(consumer, settings.kafka, plant)) as orders,
    ):
        yield orders


@contextmanager
def _told(path: Path | None) -> Iterator[OnTruth]:
    if path is None:
        yield lambda _: None
        return
    with _writable(path):
        file = path.open("wb")
    with file:
        yield lambda truth: _line(file, truth)


def _line(file: BinaryIO, truth: truths.Truth) -> None:
    file.write(truths.encode(truth) + b"\n")
    file.flush()


@contextmanager
def _writable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RefuseUsageError(f"can't write {path}: {error.strerror}") from error
