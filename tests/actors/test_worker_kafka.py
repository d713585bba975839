"""The worker on a real Kafka: what it refuses, what ends it, operations, and the whole way to the answer."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from worker_threads import Workers, gateway, refuse_nothing, send, taken, wait_until

from actors import entity as entities
from actors.errors import StopProcessError
from actors.ledger_file import open_ledger
from actors.settings import ActorSettings
from actors.worker import run_worker
from ingest.admin import group_lag, group_members
from ingest.producer import Producer
from ingest.reading import read_all
from ingest.settings import KafkaSettings
from models import operations
from models.actions import decode_ack
from models.operations import AlarmOperation
from models.policies.policies import Policies, parse
from models.scores import Score, encode
from pipeline.bootstrap.clocks import wall_ms
from storage.alarms import AlarmRow
from storage.entities import EntityStore
from storage.entity_store import CassandraEntityStore
from storage.memory import MemoryEntityStore
from storage.session import connect
from storage.settings import CassandraSettings

pytestmark = pytest.mark.kafka


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
    kafka: KafkaSettings, worker_settings: ActorSettings, policies: Policies, alert: Callable[..., Score]
) -> None:
    class Poisoned(MemoryEntityStore):
        def load(self, entity: str) -> Any:
            raise ValueError(entity)

    send(kafka, alert("e1", entity="card"))
    fragile = worker_settings.model_copy(update={"crashes": 2, "retry_most_s": 0.02})
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
    worker_settings: ActorSettings, policies: Policies, store: MemoryEntityStore, producer: Any
) -> None:
    nowhere = KafkaSettings(bootstrap_servers="127.0.0.1:9")
    with pytest.raises(StopProcessError):
        run_worker(
            nowhere,
            store,
            producer,
            worker_settings,
            threading.Event(),
            policies=policies,
            reject=refuse_nothing,
            clock=wall_ms,
        )


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
