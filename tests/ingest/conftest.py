"""Ingest's tests: settings of the Kafka under test, a bus without one, and sample events."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import settings
from replayed_cards import Replay, Ticks, table

from ingest.door import Door
from ingest.memory import Bus
from ingest.replay import ReplayOptions, run_replay
from ingest.reports import FeedReport
from ingest.settings import KafkaSettings
from ingest.tokens import Tokenizer
from models import dead_letters
from models.dead_letters import DeadLetter

NOW = 1_700_000_000_000

settings.register_profile("fastdata", deadline=None)  # a busy machine is no failure
settings.load_profile("fastdata")


class StopAtFirstWait(threading.Event):
    """A stop event that is set as soon as somebody waits, however long for."""

    def wait(self, timeout: float | None = None) -> bool:
        del timeout
        self.set()
        return True


@pytest.fixture
def stop_at_first_wait() -> threading.Event:
    return StopAtFirstWait()


@pytest.fixture
def kafka_settings(kafka_bootstrap: str, topic_prefix: str) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=kafka_bootstrap, prefix=topic_prefix)


@pytest.fixture
def bus() -> Bus:
    return Bus(KafkaSettings(bootstrap_servers="none:1", prefix="m-"), lambda: NOW)


@pytest.fixture
def door(bus: Bus) -> Door:
    return Door(bus.producer(), lambda: NOW)


@pytest.fixture
def letters(bus: Bus) -> Callable[[], list[DeadLetter]]:
    return lambda: [dead_letters.decode(record.value) for record in bus.read_all("dead-letters")]


@pytest.fixture
def tokenizer() -> Tokenizer:
    return Tokenizer(bytes(range(32)))


@pytest.fixture
def stop() -> threading.Event:
    return threading.Event()


@pytest.fixture
def maps() -> Path:
    return Path(__file__).parents[2] / "maps"


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    path = tmp_path / "cards.parquet"
    pq.write_table(table(400), path)
    return path


@pytest.fixture
def options(parquet: Path, maps: Path, tmp_path: Path) -> ReplayOptions:
    return ReplayOptions(
        files=(parquet,), mapping=maps / "fdh.toml", progress_file=tmp_path / "progress.json"
    )


@pytest.fixture
def replay(bus: Bus, tokenizer: Tokenizer, stop: threading.Event) -> Replay:
    def run(options: ReplayOptions, **changes: Any) -> FeedReport:
        given: dict[str, Any] = {
            "door": Door(bus.producer(), lambda: NOW),
            "tokenizer": tokenizer,
            "stop": stop,
            "on_progress": lambda _: None,
            "monotonic": Ticks(0.001),
        }
        return run_replay(options, **(given | changes))

    return run
