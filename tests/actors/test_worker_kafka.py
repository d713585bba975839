"""The worker on a real Kafka: what is committed when, rebalances, and the whole way to the answer."""

import asyncio
import faulthandler
import gc
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import faust
import pytest

from actors import entity as entities
from actors.bridges.simulated import SimulatedDevices
from actors.errors import StopProcessError
from actors.gateway import Gateway, run_gateway
from actors.ledger_file import open_ledger
from actors.settings import ActorSettings, GatewaySettings
from actors.transport import Consumer as FaustConsumer
from actors.worker import run_worker
from ingest.admin import group_lag, group_members
from ingest.consumer import Consumer
from ingest.ports import Record
from ingest.producer import Producer
from ingest.reading import read_all
from ingest.settings import KafkaSettings, TopicSettings
from ingest.topics import ensure_topics
from models import operations
from models.actions import decode_ack, decode_command
from models.errors import RejectEventError
from models.operations import AlarmOperation
from models.policies.policies import Policies, parse
from models.scores import Score, encode
from pipeline.bootstrap.clocks import wall_ms
from storage.alarms import AlarmRow
from storage.entities import EntityStore
from storage.entity_store import CassandraEntityStore
from storage.memory import MemoryEntityStore
from storage.one_by_one import OneByOne
from storage.session import connect
from storage.settings import CassandraSettings

pytestmark = pytest.mark.kafka

PATIENCE_S = 60
COMMIT_S = 0.1


def wait_until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited {PATIENCE_S} s until {what}"
        time.sleep(0.02)


@pytest.fixture
def kafka(kafka_bootstrap: str, topic_prefix: str) -> KafkaSettings:
    settings = KafkaSettings(bootstrap_servers=kafka_bootstrap, prefix=topic_prefix)
    ensure_topics(settings)
    return settings


@pytest.fixture
def settings(tmp_path: Path) -> ActorSettings:
    return ActorSettings(
        shards=4,
        commit_interval_s=COMMIT_S,
        session_timeout_s=6,
        heartbeat_s=1,
        drain_s=0.1,
        retry_first_s=0.01,
        state_dir=tmp_path / "faust",
    )


class Workers:
    """Workers as threads of this process; whatever ends one is raised when it is stopped."""

    def __init__(self, kafka: KafkaSettings, settings: ActorSettings, policies: Policies) -> None:
        self.kafka, self.settings, self.policies = kafka, settings, policies
        self.rejected: list[tuple[str, str]] = []
        self._running: list[tuple[threading.Thread, threading.Event]] = []
        self._errors: list[BaseException] = []

    def start(self, store: Any) -> None:
        stop = threading.Event()
        thread = threading.Thread(target=self._run, args=(store, stop))
        self._running.append((thread, stop))
        thread.start()

    def stop_one(self) -> None:
        thread, stop = self._running.pop(0)
        stop.set()
        thread.join(PATIENCE_S)
        if thread.is_alive():
            faulthandler.dump_traceback(all_threads=True)
        assert not thread.is_alive()
        if self._errors:
            raise self._errors.pop()

    def stop_all(self) -> None:
        for _, stop in self._running:
            stop.set()
        while self._running:
            self.stop_one()

    def _run(self, store: EntityStore, stop: threading.Event) -> None:
        try:
            with Producer(self.kafka) as producer:
                run_worker(
                    self.kafka,
                    store,
                    producer,
                    self.settings,
                    stop,
                    policies=self.policies,
                    reject=self._reject,
                    clock=wall_ms,
                )
        except BaseException as error:  # noqa: BLE001 - raised again by stop_one
            self._errors.append(error)

    def _reject(self, record: Record, error: RejectEventError) -> None:
        self.rejected.append((record.position, error.reason))


@pytest.fixture
def workers(kafka: KafkaSettings, settings: ActorSettings, policies: Policies) -> Iterator[Workers]:
    started = Workers(kafka, settings, policies)
    yield started
    started.stop_all()


@contextmanager
def gateway(kafka: KafkaSettings, path: Path) -> Iterator[None]:
    stop = threading.Event()

    def run() -> None:
        settings = GatewaySettings(refuse_probability=0.3, seed=1, poll_s=0.05)
        with (
            open_ledger(path) as ledger,
            Producer(kafka) as out,
            Consumer(kafka, "gateway", ["commands"]) as inp,
        ):
            simulated = Gateway(ledger, SimulatedDevices(settings, wall_ms), wall_ms, grace_ms=0)
            run_gateway(inp, out, simulated, settings, stop, reject=refuse_nothing)

    thread = threading.Thread(target=run)
    thread.start()
    yield
    stop.set()
    thread.join(PATIENCE_S)


def refuse_nothing(record: Record, error: RejectEventError) -> None:
    raise AssertionError(f"{record.position}: {error}")


def send(kafka: KafkaSettings, *alerts: Score) -> None:
    with Producer(kafka) as producer:
        for score in alerts:
            producer.send("alerts", score.entity, encode(score))


def taken(store: EntityStore) -> int:
    return sum(len(store.load(entity).alerts) for entity in store.entities())


class Gate(OneByOne):
    """A store whose saves of one entity wait at a gate."""

    def __init__(self, inner: EntityStore, entity: str) -> None:
        self.inner, self.entity = inner, entity
        self.open, self.reached = threading.Event(), threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def save(self, entity: str, *args: Any) -> int:
        if entity == self.entity:
            self.reached.set()
            self.open.wait(PATIENCE_S)
        return self.inner.save(entity, *args)


def test_nothing_is_committed_before_it_is_done_and_what_was_not_comes_again(
    kafka: KafkaSettings, workers: Workers, store: MemoryEntityStore, alert: Callable[..., Score]
) -> None:
    one_partition = kafka.model_copy(update={"prefix": kafka.prefix + "one-"})
    one_partition = one_partition.model_copy(update={"topics": {"alerts": TopicSettings(partitions=1)}})
    ensure_topics(one_partition)
    workers.kafka = one_partition
    gate = Gate(store, "stuck")
    send(one_partition, *(alert(f"e{n}", entity=f"before{n}") for n in range(5)))
    workers.start(gate)
    wait_until(lambda: group_lag(one_partition, "actors", "alerts") == 0, "the first alerts are committed")

    send(one_partition, alert("stuck", entity="stuck"))
    send(one_partition, *(alert(f"e{n}", entity=f"after{n}") for n in range(40)))
    assert gate.reached.wait(PATIENCE_S)
    free = [n for n in range(40) if n % 4]  # more than enough entities on the three other shards
    wait_until(lambda: taken(store) >= 5 + len(free) // 2, "the shards beside it go on")
    time.sleep(5 * COMMIT_S)
    assert group_lag(one_partition, "actors", "alerts") == 41, "nothing behind the undone one is committed"

    workers.stop_one()
    assert group_lag(one_partition, "actors", "alerts") == 41
    assert store.load("stuck").version == 0
    gate.open.set()
    workers.start(store)
    wait_until(lambda: group_lag(one_partition, "actors", "alerts") == 0, "all is done and committed")
    assert taken(store) == 46
    commands = [decode_command(r.value) for r in read_all(one_partition, "commands")]
    by_entity = {(c.entity, c.command_id) for c in commands}
    assert len(by_entity) == len({entity for entity, _ in by_entity}) == 46


def test_what_is_no_alert_or_ack_is_rejected_and_committed(
    kafka: KafkaSettings, workers: Workers, store: MemoryEntityStore, alert: Callable[..., Score]
) -> None:
    with Producer(kafka) as producer:
        for bad in (b"", b"{", b"\xff\xfe", b"[]", b'{"event_id": 1}', b"null", b'"\xc3"'):
            producer.send("alerts", "card", bad)
        producer.send("acks", "card", b"{}")
        producer.send("alerts", "card", encode(alert("e1", entity="card")))
    workers.start(store)
    wait_until(lambda: group_lag(kafka, "actors", "alerts") == 0, "the alerts are committed")
    wait_until(lambda: group_lag(kafka, "actors", "acks") == 0, "the acks are committed")
    assert len({position for position, _ in workers.rejected}) == 8
    assert taken(store) == 1


def test_a_shard_that_can_not_be_helped_ends_the_worker_uncommitted(
    kafka: KafkaSettings, settings: ActorSettings, policies: Policies, alert: Callable[..., Score]
) -> None:
    class Poisoned(MemoryEntityStore):
        def load(self, entity: str) -> Any:
            raise ValueError(entity)

    send(kafka, alert("e1", entity="card"))
    fragile = settings.model_copy(update={"crashes": 2, "retry_most_s": 0.02})
    with Producer(kafka) as producer, pytest.raises(StopProcessError, match="crashed 3 times"):
        run_worker(
            kafka,
            Poisoned(wall_ms),
            producer,
            fragile,
            threading.Event(),
            policies=policies,
            reject=refuse_nothing,
            clock=wall_ms,
        )
    assert group_lag(kafka, "actors", "alerts") == 1


def test_kafka_that_is_not_there_ends_the_worker(
    settings: ActorSettings, policies: Policies, store: MemoryEntityStore, producer: Any
) -> None:
    nowhere = KafkaSettings(bootstrap_servers="127.0.0.1:9")
    with pytest.raises(StopProcessError):
        run_worker(
            nowhere,
            store,
            producer,
            settings,
            threading.Event(),
            policies=policies,
            reject=refuse_nothing,
            clock=wall_ms,
        )


def test_workers_that_come_and_go_lose_nothing(
    kafka: KafkaSettings, workers: Workers, store: MemoryEntityStore, alert: Callable[..., Score]
) -> None:
    count = 0

    def more() -> None:
        nonlocal count
        send(kafka, *(alert(f"e{n}", entity=f"card{n % 30}") for n in range(count, count + 200)))
        count += 200

    workers.start(store)
    more()
    wait_until(lambda: taken(store) == count, "one worker takes all")
    workers.start(store)
    for _ in range(10):
        more()
        time.sleep(0.3)
    workers.stop_one()
    more()
    wait_until(lambda: taken(store) == count, "all is taken across the rebalances")
    wait_until(lambda: group_lag(kafka, "actors", "alerts") == 0, "all is committed")
    commands = {
        (c.entity, c.command_id) for c in (decode_command(r.value) for r in read_all(kafka, "commands"))
    }
    assert len(commands) == 30, "one command an entity, whoever took its alerts"


def test_a_rebalance_while_a_worker_stops_leaves_no_connection_open_and_no_member_behind(
    kafka: KafkaSettings,
    workers: Workers,
    store: MemoryEntityStore,
    alert: Callable[..., Score],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stopping: list[faust.App] = []
    closed: list[FaustConsumer] = []
    stop_consumer, close = faust.App._stop_consumer, FaustConsumer.close

    async def stop_the_second_later(app: faust.App) -> None:
        stopping.append(app)
        if app is not stopping[0]:
            await asyncio.to_thread(wait_until, lambda: closed, "a rebalance comes")
        await stop_consumer(app)

    def note_and_close(consumer: FaustConsumer) -> None:
        closed.append(consumer)
        close(consumer)

    monkeypatch.setattr("actors.worker.STOP_S", PATIENCE_S)
    monkeypatch.setattr(faust.App, "_stop_consumer", stop_the_second_later)
    monkeypatch.setattr(FaustConsumer, "close", note_and_close)
    send(kafka, alert("e1", entity="card"))
    workers.start(store)
    wait_until(lambda: taken(store) == 1, "the first worker is there")
    workers.start(store)
    wait_until(lambda: group_members(kafka, "actors") == 2, "the second worker is there")
    workers.stop_all()
    assert closed, "Faust closes the consumer of an app that stops when a rebalance comes"
    assert group_members(kafka, "actors") == 0
    gc.collect()  # a connection left open would warn now, and warnings are errors


def test_operations_are_applied_and_silence_closes_alarms_that_a_restarted_worker_never_saw(
    kafka: KafkaSettings, workers: Workers, store: MemoryEntityStore, alert: Callable[..., Score]
) -> None:
    workers.policies = silent_for("1h")
    send(kafka, alert("e1", entity="card"))
    workers.start(store)
    wait_until(lambda: store.latest_alarms(1) != [], "the alarm is listed")
    (opened,) = store.latest_alarms(1)
    with Producer(kafka) as producer:
        for body in [operations.encode(acknowledgement(opened, name)) for name in ("o1", "o1", "o2")]:
            producer.send("operations", "card", body)
        producer.send("operations", "card", b"{}")
    wait_until(lambda: group_lag(kafka, "actors", "operations") == 0, "the operations are committed")
    verdicts = {e.operation.operation_id: e.verdict for e in store.latest_audit(9)}
    assert verdicts == {"o1": "applied", "o2": "refused"}
    assert len({position for position, _ in workers.rejected}) == 1
    assert store.latest_alarms(1)[0].state == "active_acknowledged"
    assert (group_members(kafka, "actors"), group_members(kafka, "nobody")) == (1, 0)

    workers.stop_one()
    assert group_members(kafka, "actors") == 0
    store.record_alarm(replace(store.latest_alarms(1)[0], due_at=None))
    workers.settings = workers.settings.model_copy(update={"sweep_s": 0.05})
    workers.policies = silent_for("10ms")
    workers.start(store)
    wait_until(lambda: store.latest_alarms(1)[0].state == "closed", "silence closes the alarm")


def silent_for(off_delay: str) -> Policies:
    return parse(f'[alarms.default]\noff_delay = "{off_delay}"', "this test")


def acknowledgement(row: AlarmRow, name: str) -> AlarmOperation:
    return AlarmOperation(
        operation_id=name,
        action="acknowledge",
        entity=row.entity,
        condition=row.condition,
        alarm_id=row.alarm_id,
        who="ann",
        why="",
        asked_at=row.opened_at,
        expires_at=row.opened_at + 3_600_000,
    )


@pytest.mark.cassandra
def test_alerts_become_alarms_commands_and_answers(  # noqa: PLR0917 - fixtures come by name
    kafka: KafkaSettings,
    workers: Workers,
    cassandra_endpoint: Any,
    emptied_keyspace: str,
    tmp_path: Path,
    alert: Callable[..., Score],
) -> None:
    cassandra = CassandraSettings(
        contact_points=cassandra_endpoint.contact_points,
        port=cassandra_endpoint.port,
        local_dc=cassandra_endpoint.dc,
        keyspace=emptied_keyspace,
    )
    alerts = [alert(f"e{n}", entity=f"card{n % 25}") for n in range(150)]
    with connect(cassandra) as session, gateway(kafka, tmp_path / "ledger.sqlite"):
        store = CassandraEntityStore(session, cassandra, wall_ms)
        workers.start(store)
        workers.start(store)
        send(kafka, *alerts[:100], *alerts[:50])
        send(kafka, *alerts[20:], *alerts[:100])
        wait_until(lambda: taken(store) == 150, "all alerts are taken")
        wait_until(lambda: answered(store) == 25, "all commands are answered")
        wait_until(lambda: group_lag(kafka, "actors", "alerts") == 0, "the alerts are committed")
        wait_until(lambda: group_lag(kafka, "actors", "acks") == 0, "the answers are committed")
        workers.stop_all()
        check_that_all_agree(kafka, store, tmp_path / "ledger.sqlite")


def answered(store: EntityStore) -> int:
    rows = [row for entity in store.entities() for row in store.load(entity).commands]
    return sum(row.status in {"succeeded", "refused"} for row in rows)


def check_that_all_agree(kafka: KafkaSettings, store: EntityStore, path: Path) -> None:
    said = {a.command_id: a.outcome for a in (decode_ack(r.value) for r in read_all(kafka, "acks"))}
    rows = {row.command_id: row.status for e in store.entities() for row in store.load(e).commands}
    with open_ledger(path) as ledger:
        effects = [effect.command_id for effect in ledger.effects()]
        assert ledger.answers() == said == rows
    assert len(effects) == len(set(effects)) == list(said.values()).count("succeeded")
    assert set(said.values()) == {"succeeded", "refused"}
    for entity in store.entities():
        (opened,) = entities.decode(store.load(entity).state).alarms.by_condition.values()
        assert opened.alerts == 6
    listed = {row.alarm_id: row for row in store.latest_alarms(100)}
    assert len(listed) == 25
    assert {row.command_id: row.command_status for row in listed.values()} == said
    assert {row.alerts for row in listed.values()} == {6}
