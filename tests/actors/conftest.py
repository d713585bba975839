import itertools
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from worker_threads import COMMIT_S, Workers

from actors.settings import ActorSettings
from actors.work import Work
from ingest.ports import OnAck, Record
from ingest.settings import KafkaSettings
from ingest.topics import ensure_topics
from models import scores
from models.actions import Command, decode_command
from models.errors import RejectEventError
from models.policies.policies import Policies, parse
from models.scores import Score
from storage.memory import MemoryEntityStore

CARD = "tok_" + "0" * 24


class Recorder:
    """A producer that keeps what it was given and acknowledges at the flush."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes]] = []
        self.flushes = 0
        self._waiting: list[OnAck] = []

    def send(
        self,
        topic: Any,
        key: Any,
        value: Any,
        *,
        headers: Any = None,
        timestamp_ms: Any = None,
        on_ack: Any = None,
    ) -> None:
        self.sent.append((topic, value))
        if on_ack is not None:
            self._waiting.append(on_ack)

    def flush(self) -> None:
        self.flushes += 1
        waiting, self._waiting = self._waiting, []
        for offset, on_ack in enumerate(waiting):
            on_ack(0, offset)

    def settle(self, done: Callable[[], bool]) -> None:
        if not done():
            self.flush()

    def commands(self) -> list[Command]:
        return [decode_command(value) for topic, value in self.sent if topic == "commands"]


@pytest.fixture
def producer() -> Recorder:
    return Recorder()


@pytest.fixture
def clock() -> Callable[[], int]:
    return itertools.count(1_000_000).__next__


@pytest.fixture
def store(clock: Callable[[], int]) -> MemoryEntityStore:
    return MemoryEntityStore(clock)


@pytest.fixture
def stop() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def settings(tmp_path: Path) -> ActorSettings:
    return ActorSettings(
        shards=4,
        batch=8,
        lane=16,
        entities=40,
        retry_first_s=0.001,
        retry_most_s=0.01,
        state_dir=tmp_path / "faust",
    )


@pytest.fixture
def policies() -> Policies:
    """Give policies of short times: frauds block the card, another model's alarms stop the machine."""
    return parse(
        """
        [alarms.default]
        off_delay = "10s"
        realarm_after = "50s"

        [[commands]]
        models = ["fraud"]
        command = "block_card"
        expires_after = "1m"

        [[commands]]
        models = ["other"]
        command = "reduce_load"
        expires_after = "1m"
        """,
        "these tests",
    )


@pytest.fixture
def alert() -> Callable[..., Score]:
    def make(
        event_id: str = "e1",
        entity: str = CARD,
        model: str = "fraud",
        score: float = 0.9,
        *,
        below: bool = False,
        arrived: int = 1_000,
    ) -> Score:
        return Score(
            event_id=event_id,
            event_time=999,
            entity=entity,
            model=model,
            version="1",
            score=score,
            threshold=0.5,
            features={},
            event={},
            arrivals={},
            topic="transactions",
            partition=0,
            offset=0,
            ingested_at=arrived,
            below=below,
        )

    return make


@pytest.fixture
def alert_bytes(alert: Callable[..., Score]) -> Callable[..., bytes]:
    return lambda *args, **kwargs: scores.encode(alert(*args, **kwargs))


@pytest.fixture
def make_work(
    settings: ActorSettings, policies: Policies, clock: Callable[[], int], stop: threading.Event
) -> Callable[..., Work]:
    def refuse_nothing(record: Record, error: RejectEventError) -> None:
        raise AssertionError(f"{record.position}: {error}")

    def make(
        store: MemoryEntityStore,
        producer: Any,
        reject: Any = refuse_nothing,
        settings: ActorSettings = settings,
        policies: Policies = policies,
    ) -> Work:
        return Work(store, producer, settings, policies, reject=reject, clock=clock, stop=stop)

    return make


@pytest.fixture
def kafka(kafka_bootstrap: str, topic_prefix: str) -> KafkaSettings:
    settings = KafkaSettings(bootstrap_servers=kafka_bootstrap, prefix=topic_prefix)
    ensure_topics(settings)
    return settings


@pytest.fixture
def worker_settings(tmp_path: Path) -> ActorSettings:
    """Give settings of workers on a real Kafka."""
    return ActorSettings(
        shards=4,
        commit_interval_s=COMMIT_S,
        session_timeout_s=6,
        heartbeat_s=1,
        drain_s=0.1,
        retry_first_s=0.01,
        state_dir=tmp_path / "faust",
    )


@pytest.fixture
def workers(kafka: KafkaSettings, worker_settings: ActorSettings, policies: Policies) -> Iterator[Workers]:
    started = Workers(kafka, worker_settings, policies)
    yield started
    started.stop_all()
