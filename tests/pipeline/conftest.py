"""A whole pipeline in memory, where scoring alone is done by hand; and one on real servers, as a user has it."""

import itertools
import json
import os
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fraud_artifact import handmade
from installation import Installation

from actors import gateway
from actors.bridges.simulated import SimulatedDevices
from actors.items import Wake, read_ack, read_alert, read_operation
from actors.ledger import Ledger
from actors.ledger_file import open_ledger
from actors.settings import ActorSettings, GatewaySettings
from actors.work import Work
from ingest.catalog import source_topic
from ingest.memory import Bus
from ingest.ports import Record
from ingest.settings import KafkaSettings, TopicName
from models import dead_letters, events, operations, scores
from models.actions import Command, decode_command
from models.errors import RejectEventError
from models.events import Label, Transaction
from models.operations import AlarmAction, AlarmOperation
from models.policies.policies import BUILT_IN, parse
from models.scores import Score
from pipeline import artifacts, judgement, sources, verify
from pipeline.bootstrap.rejects import letter, reject_into
from pipeline.reconcile import Reconciliation
from pipeline.verify import Places, Scored
from storage.alarms import AlarmRow
from storage.memory import MemoryEntityStore, MemoryScoreStore
from storage.settings import WriterSettings
from storage.writer import Writer

NOW_MS = 1_800_000_000_000
HOUR_MS = 3_600_000
THRESHOLD = 0.9


class SmallPipeline:
    """Everything that happens to events, in one process and without a server."""

    def __init__(self, ledger: Ledger) -> None:
        ticks = itertools.count(NOW_MS)
        self.silent_ms = 0
        self.clock: Callable[[], int] = lambda: next(ticks) + self.silent_ms
        self.bus = Bus(KafkaSettings(bootstrap_servers="none", prefix="t-"), self.clock)
        self.producer = self.bus.producer()
        self.scores = MemoryScoreStore()
        self.entities = MemoryEntityStore(self.clock)
        self.ledger = ledger
        self.dropped_late = 0
        self.version = "1"
        self.models = (Scored("fraud", Transaction, {}),)
        self._scored: dict[str, int] = {}
        reject = reject_into(self.producer, self.clock)
        self._writer = Writer(
            self.bus.consumer("writer", ["scores"]), self.scores, reject, WriterSettings(poll_s=0.001)
        )
        self._work = Work(
            self.entities,
            self.producer,
            ActorSettings(),
            parse(BUILT_IN.read_text(encoding="utf-8"), "built-in"),
            reject=reject,
            clock=self.clock,
            stop=threading.Event(),
        )
        self._alerts = self.bus.consumer("actors", ["alerts", "acks", "operations"])
        self._commands = self.bus.consumer("gateway", ["commands"])
        devices = SimulatedDevices(GatewaySettings(refuse_probability=0.3, seed=1), self.clock)
        self._gateway = gateway.Gateway(ledger, devices, self.clock, grace_ms=0)

    def transactions(self, count: int, *, first: int = 0, event_time: int = NOW_MS - HOUR_MS) -> None:
        """Send transactions of ten cards; every fifth will be an alert."""
        for n in range(first, first + count):
            card = f"tok_{n % 10:024x}"
            event = Transaction(
                event_id=f"tx{n}", event_time=event_time + n, card=card, terminal="T1", amount=float(n)
            )
            self.producer.send("transactions", card, events.encode(event), timestamp_ms=self.clock())

    def labels(self, count: int) -> None:
        """Send labels."""
        for n in range(count):
            card = f"tok_{n % 10:024x}"
            event = Label(
                event_id=f"l{n}",
                event_time=NOW_MS - HOUR_MS,
                card=card,
                terminal="T1",
                transaction_id=f"tx{n}",
                fraud=True,
            )
            self.producer.send("labels", card, events.encode(event), timestamp_ms=self.clock())

    def garbage(self, topic: TopicName, value: bytes = b"{") -> None:
        """Send what is no event."""
        self.producer.send(topic, "someone", value, timestamp_ms=self.clock())

    def run(self, *, drop: Callable[[Record], bool] = lambda _: False, answering: bool = True) -> None:
        """Take everything through; records that `drop` picks are lost by the query."""
        self._query(drop)
        self.settle(answering=answering)

    def settle(self, *, answering: bool = True) -> None:
        """Let writer, actors and gateway do what is there to do."""
        while self._writer.step(threading.Event()) or self._act() or (answering and self._answer()):
            pass

    def score(self, record: Record, event: Transaction) -> Score:
        """Judge one event."""
        return Score(
            event_id=event.event_id,
            event_time=event.event_time,
            entity=event.card,
            model="fraud",
            version=self.version,
            score=0.95 if int(event.amount) % 5 == 0 else 0.1,
            threshold=THRESHOLD,
            features={"amount": event.amount},
            event={"card": event.card, "terminal": event.terminal, "amount": event.amount},
            arrivals={},
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            ingested_at=record.timestamp_ms,
        )

    def emit(self, score: Score) -> None:
        """Write a score to its topics."""
        topics: tuple[TopicName, ...] = ("scores", "alerts") if score.is_alert else ("scores",)
        for topic in topics:
            self.producer.send(topic, score.entity, scores.encode(score))

    def operate(self, action: AlarmAction, name: str, row: AlarmRow) -> None:
        """Send what an operator does with an alarm."""
        now = self.clock()
        operation = AlarmOperation(
            operation_id=name,
            action=action,
            entity=row.entity,
            condition=row.condition,
            alarm_id=row.alarm_id,
            who="ann",
            why="",
            asked_at=now,
            expires_at=now + HOUR_MS,
        )
        self.producer.send("operations", row.entity, operations.encode(operation))

    def fall_silent(self) -> None:
        """Let two hours go by without an alert, and sweep."""
        self.silent_ms += 2 * HOUR_MS
        self._work([Wake(row.entity) for row in self.entities.due_alarms(self.clock(), 1_000)])

    def refuse(self, record: Record) -> None:
        """Write a dead letter."""
        error = RejectEventError("malformed_json", "no event")
        self.producer.send(
            "dead-letters", record.topic, dead_letters.encode(letter(record, error, self.clock()))
        )

    def verify(self) -> Reconciliation:
        """Judge everything."""
        places = Places(
            read_all=self.bus.read_all,
            topic_name=lambda topic: f"t-{topic}",
            scores=self.scores,
            entities=self.entities,
            effects=lambda: [effect.command_id for effect in self.ledger.effects()],
            dropped_late=lambda: self.dropped_late,
            watermark_delay_ms=24 * HOUR_MS,
            models=self.models,
        )
        scored = {m.model: f"t-{m.event.topic}" for m in self.models}
        return judgement.judge(verify.gather(places), scored, partial(verify.event_ids, places))

    def records(self, topic: TopicName) -> list[Record]:
        """Return what lies in a topic."""
        return list(self.bus.read_all(topic))

    def commands(self) -> list[Command]:
        """Return what lies in `commands`."""
        return [decode_command(record.value) for record in self.records("commands")]

    def _query(self, drop: Callable[[Record], bool]) -> None:
        for kind in (Transaction, Label):
            topic = source_topic(kind)
            records = self.records(topic)
            for record in records[self._scored.get(topic, 0) :]:
                event = sources.valid_event(record, kind)
                if event is None:
                    self.refuse(record)
                elif isinstance(event, Transaction) and not drop(record):
                    self.emit(self.score(record, event))
            self._scored[topic] = len(records)

    def _act(self) -> int:
        records = self._alerts.poll(1_000, 0)
        readers = {"t-alerts": read_alert, "t-acks": read_ack, "t-operations": read_operation}
        if records:
            self._work([readers[record.topic](record) for record in records])
            self._alerts.commit(records)
        return len(records)

    def _answer(self) -> int:
        records = self._commands.poll(1_000, 0)
        commands = [decode_command(record.value) for record in records]
        acks = [*self._gateway.take(commands), *self._gateway.hear()]
        gateway.publish(acks, self.producer)
        self._commands.commit(records)
        return len(records)


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[SmallPipeline]:
    with open_ledger(tmp_path / "ledger.sqlite") as ledger:
        yield SmallPipeline(ledger)


@pytest.fixture
def installed(
    tmp_path: Path, kafka_bootstrap: str, cassandra_endpoint: Any, topic_prefix: str, keyspace: str
) -> Installation:
    own = {
        "EMBEDDED__STATE_DIR": str(tmp_path),
        "RUN_DIR": str(tmp_path / "run"),
        "KAFKA__BOOTSTRAP_SERVERS": kafka_bootstrap,
        "KAFKA__PREFIX": topic_prefix,
        "CASSANDRA__CONTACT_POINTS": json.dumps(cassandra_endpoint.contact_points),
        "CASSANDRA__PORT": str(cassandra_endpoint.port),
        "CASSANDRA__LOCAL_DC": cassandra_endpoint.dc,
        "CASSANDRA__KEYSPACE": keyspace,
        "PROCESSING__MEMORY": "1g",
        "PROCESSING__BRIEF": "true",
        "PROCESSING__IDLE_INTERVAL_S": "5",
        "SUPERVISION__STANDBY": "false",
    }
    others = {name: value for name, value in os.environ.items() if not name.startswith("FASTDATA_")}
    environment = {**others, **{f"FASTDATA_{name}": value for name, value in own.items()}}
    artifacts.keep(tmp_path / "models", handmade("1 / (1 + exp(-(amount / 100 - 3)))", 0.3))
    installation = Installation(tmp_path, environment)
    installation.call("migrate")
    installation.call("models", "deploy", "fraud")
    return installation
