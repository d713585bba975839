"""Sources through the door: files and the simulator."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from ingest.door import Door
from ingest.producer import Producer
from ingest.replay import ReplayOptions, run_replay
from ingest.reports import FeedReport, OnProgress, Progress
from ingest.settings import KafkaSettings
from ingest.simulate import SimulationOptions, run_simulation
from ingest.tokens import Tokenizer, load_or_create_key
from pipeline.bootstrap.clocks import wall_ms
from pipeline.settings import Settings


@contextmanager
def _door(kafka: KafkaSettings) -> Iterator[Door]:
    with Producer(kafka) as producer:
        yield Door(producer, wall_ms)


def tokenizer(settings: Settings) -> Tokenizer:
    """Return the tokenizer with this installation's key."""
    return Tokenizer(load_or_create_key(settings.token_key))


def replay(
    settings: Settings, options: ReplayOptions, stop: threading.Event, on_progress: OnProgress
) -> FeedReport:
    """Send files to the topics."""
    with _door(settings.kafka) as door:
        return run_replay(
            options, door=door, tokenizer=tokenizer(settings), stop=stop, on_progress=on_progress
        )


def simulate(
    settings: Settings,
    options: SimulationOptions,
    stop: threading.Event,
    on_progress: OnProgress,
    on_accepted: Callable[[Mapping[str, int]], None] = lambda _: None,
) -> FeedReport:
    """Send simulated transactions and their labels to the topics.

    Parameters
    ----------
    on_accepted
        Called with every progress: how many events the door has taken, by event type.
    """
    with _door(settings.kafka) as door:

        def progress(step: Progress) -> None:
            on_progress(step)
            on_accepted(door.accepted)

        report = run_simulation(
            options,
            door=door,
            tokenizer=tokenizer(settings),
            clock=wall_ms,
            stop=stop,
            on_progress=progress,
        )
        on_accepted(report.accepted)
        return report
