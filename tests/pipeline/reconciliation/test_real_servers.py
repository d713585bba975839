"""The reconciler on a real Kafka and Cassandra: planted gaps, their alarms, kills between its steps, and repair."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from cassandra.cluster import Session
from fraud_artifact import handmade

from ingest.consumer import read_all
from ingest.producer import Producer
from ingest.topics import ensure_topics
from models import events, scores
from models.deployment import Deployment
from models.events import Transaction
from models.scores import Score
from pipeline import artifacts, deployments
from pipeline.bootstrap import reconciler
from pipeline.reconciliation.reconciler import Reconciler
from pipeline.settings import Settings
from storage.count_table import CassandraCounts
from storage.counts import MinuteCount
from storage.migrate import migrate
from storage.score_store import CassandraScoreStore
from storage.scores import StampedScore
from storage.session import connect

pytestmark = [pytest.mark.kafka, pytest.mark.cassandra]

CARD = "tok_" + "7" * 24
MINUTE_MS = 60_000


class System:
    """A namespace in which this test is door, query and writer, and time is this test's."""

    def __init__(self, settings: Settings, session: Session, stack: ExitStack) -> None:
        self.settings = settings
        self.session = session
        self.store = CassandraScoreStore(session, settings.cassandra)
        self.counts = CassandraCounts(session)
        self.producer = stack.enter_context(Producer(settings.kafka))
        self._stack = stack
        self.ahead_ms = 0
        self.sent: dict[str, Score] = {}

    def clock(self) -> int:
        return time.time_ns() // 1_000_000 + self.ahead_ms

    def send(self, *names: str, age_ms: int) -> None:
        stamp = time.time_ns() // 1_000_000 - age_ms
        for name in names:
            event = Transaction(event_id=name, event_time=stamp, card=CARD, terminal="T", amount=1.0)
            self.producer.send("transactions", CARD, events.encode(event), timestamp_ms=stamp)
        self.producer.flush()
        for record in read_all(self.settings.kafka, "transactions"):
            event = events.decode(record.value)
            self.sent[event.event_id] = Score(
                event_id=event.event_id, event_time=event.event_time, entity=CARD, model="fraud", version="1",
                score=0.1, threshold=0.5, features={}, event={"terminal": "T"}, arrivals={}, topic=record.topic,
                partition=record.partition, offset=record.offset, ingested_at=record.timestamp_ms,
            )  # fmt: skip

    def score(self, *names: str) -> None:
        for name in names:
            self.producer.send("scores", CARD, scores.encode(self.sent[name]))
        self.producer.flush()

    def keep(self, *names: str) -> None:
        stamp = time.time_ns() // 1_000
        self.store.write([StampedScore(self.sent[name], stamp) for name in names])

    def delete(self, name: str) -> None:
        [row] = self.session.execute("SELECT * FROM scores WHERE event_id = %s", (name,))
        key = (row.entity, row.day, row.event_time, row.event_id, row.model)
        self.session.execute(
            "DELETE FROM scores WHERE entity = %s AND day = %s AND event_time = %s AND event_id = %s AND model = %s",
            key,
        )

    def start(self) -> Reconciler:
        """Start a reconciler; the one before it is as if killed: nothing of it is finished."""
        return self._stack.enter_context(reconciler.opened(self.settings, self.clock))

    def work(self, running: Reconciler, until: Any) -> None:
        """Let it work until something holds."""
        deadline = time.monotonic() + 120
        while not until():
            assert time.monotonic() < deadline
            self.step(running)

    def step(self, running: Reconciler) -> None:
        """Let it take a step, and store what it has told, as the writer would."""
        running.step()
        stamp = time.time_ns() // 1_000
        self.store.write([StampedScore(alert, stamp) for alert in self.alerts()])

    def rows(self, stage: str) -> list[MinuteCount]:
        now = self.clock()
        return [row for row in self.counts.between(now - 3_600_000, now + 3_600_000) if row.stage == stage]

    def gaps(self) -> dict[str, tuple[str, ...]]:
        """Return what is known to be missing; that nobody takes the alerts here is said too, and is no matter."""
        return {row.stage: row.ids for row in self.counts.gaps() if row.stage != "taken"}

    def alerts(self) -> list[Score]:
        return [scores.decode(record.value) for record in read_all(self.settings.kafka, "alerts")]


@pytest.fixture
def system(
    tmp_path: Path, kafka_bootstrap: str, cassandra_endpoint: Any, topic_prefix: str, keyspace: str
) -> Iterator[System]:
    settings = Settings.model_validate(
        {
            "kafka": {"bootstrap_servers": kafka_bootstrap, "prefix": topic_prefix},
            "cassandra": {
                "contact_points": list(cassandra_endpoint.contact_points),
                "port": cassandra_endpoint.port,
                "local_dc": cassandra_endpoint.dc,
                "keyspace": keyspace,
                "request_timeout_s": 60,
                "connect_give_up_s": 60,
            },
            "run_dir": tmp_path / "run",
            "models_dir": tmp_path / "models",
            "reconciler": {"grace_s": 1, "look_s": 0.01, "poll_s": 0.1, "alarm_every_s": 60},
        }
    )
    artifacts.keep(settings.models_dir, handmade("1 / (1 + exp(-(amount / 100 - 3)))", 0.3))
    [version] = artifacts.versions(settings.models_dir, "fraud")
    deployments.write_deployment(
        settings.run_dir,
        Deployment(model="fraud", champion=version, shadows=[], former=[], since={version: 0}),
    )
    ensure_topics(settings.kafka)
    migrate(settings.cassandra, patience_s=300)
    with connect(settings.cassandra) as session, ExitStack() as stack:
        yield System(settings, session, stack)


def test_gaps_are_named_alarmed_once_kept_across_kills_and_closed_when_repaired(system: System) -> None:
    many = [f"e{n}" for n in range(20)]
    system.send(*many, age_ms=30 * MINUTE_MS)
    system.send("later", age_ms=20 * MINUTE_MS)
    system.score(*(name for name in many if name != "e7"), "later")
    system.keep(*many, "later")
    system.delete("e3")
    system.ahead_ms = 20 * MINUTE_MS  # patience with a writer that has no group here is over

    lost = {"scored": (f"{system.settings.kafka.prefix}transactions/0/7 (e7)",), "stored": ("e3/fraud",)}
    first = system.start()
    system.work(first, lambda: system.gaps() == lost and len(system.alerts()) == 2)
    told = {alert.entity: (alert.model, alert.event["ids"]) for alert in system.alerts()}
    assert told == {
        "pipeline:scored": ("gap", list(lost["scored"])),
        "pipeline:stored": ("gap", list(lost["stored"])),
    }
    before = system.rows("accepted"), system.rows("scored")
    assert sum(row.given for row in before[0]) == 21
    assert [(row.given, row.found, row.missing) for row in before[1]] == [(20, 19, 1), (1, 1, 0)]

    second = system.start()
    for _ in range(5):
        system.step(second)
    assert (system.rows("accepted"), system.rows("scored")) == before
    assert system.gaps() == lost

    system.score("e7")
    system.keep("e3")
    system.work(second, lambda: system.gaps() == {})
    third = system.start()
    for _ in range(5):
        system.step(third)
    assert [(row.given, row.found, row.missing) for row in system.rows("scored")] == [(20, 20, 0), (1, 1, 0)]
    assert {alert.event["more"] for alert in system.alerts()} == {0}
