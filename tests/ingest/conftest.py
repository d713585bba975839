"""Ingest's tests: settings of the Kafka under test, a bus without one, and sample events."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from ingest.door import Door
from ingest.memory import Bus
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
