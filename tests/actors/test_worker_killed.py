"""Workers as processes that are killed without warning: nothing is lost and nothing is done twice.

Their sessions outlast the test's patience, so that each waits in vain unless it leaves the group for the dead one.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from actors import entity as entities
from actors.settings import ActorSettings
from ingest.admin import group_lag
from ingest.producer import Producer
from ingest.reading import read_all
from ingest.settings import KafkaSettings
from models.actions import decode_command
from models.scores import Score, encode
from pipeline.bootstrap.clocks import wall_ms
from storage.entity_store import CassandraEntityStore
from storage.session import connect
from storage.settings import CassandraSettings

pytestmark = [pytest.mark.kafka, pytest.mark.cassandra, pytest.mark.slow]

PATIENCE_S = 90
KILLS = 3
ENTITIES = 40

WORKER = """
import sys, threading
from actors.settings import ActorSettings
from actors.worker import run_worker
from ingest.producer import Producer
from ingest.settings import KafkaSettings
from models.policies.policies import BUILT_IN, parse
from pipeline.bootstrap.clocks import wall_ms
from storage.entity_store import CassandraEntityStore
from storage.session import connect
from storage.settings import CassandraSettings

kafka, cassandra, actors = (
    kind.model_validate_json(text)
    for kind, text in zip((KafkaSettings, CassandraSettings, ActorSettings), sys.argv[1:], strict=True)
)
policies = parse(BUILT_IN.read_text(), "built-in")
with connect(cassandra) as session, Producer(kafka) as producer:
    store = CassandraEntityStore(session, cassandra, wall_ms)
    run_worker(kafka, store, producer, actors, threading.Event(), policies=policies, reject=lambda record, error: None, clock=wall_ms)
"""


@pytest.fixture
def cassandra(cassandra_endpoint: Any, emptied_keyspace: str) -> CassandraSettings:
    return CassandraSettings(
        contact_points=cassandra_endpoint.contact_points,
        port=cassandra_endpoint.port,
        local_dc=cassandra_endpoint.dc,
        keyspace=emptied_keyspace,
    )


@pytest.fixture
def start_worker(
    kafka: KafkaSettings, cassandra: CassandraSettings, tmp_path: Path
) -> Iterator[Callable[[], "subprocess.Popen[bytes]"]]:
    settings = ActorSettings(
        shards=4,
        commit_interval_s=0.2,
        session_timeout_s=2 * PATIENCE_S,
        request_timeout_s=3 * PATIENCE_S,
        state_dir=tmp_path / "faust",
    )
    texts = [each.model_dump_json() for each in (kafka, cassandra, settings)]
    started: list[subprocess.Popen[bytes]] = []

    def start() -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            [sys.executable, "-c", WORKER, *texts], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_killed_workers_lose_nothing_and_do_nothing_twice(
    kafka: KafkaSettings,
    cassandra: CassandraSettings,
    start_worker: Callable[[], "subprocess.Popen[bytes]"],
    alert: Callable[..., Score],
) -> None:
    sent = 0
    with Producer(kafka) as producer, connect(cassandra) as session:
        store = CassandraEntityStore(session, cassandra, wall_ms)

        def taken() -> int:
            return sum(len(store.load(entity).alerts) for entity in store.entities())

        def statuses() -> dict[str, str]:
            rows = [row for entity in store.entities() for row in store.load(entity).commands]
            return {row.command_id: row.status for row in rows}

        def send(count: int) -> None:
            nonlocal sent
            for number in range(sent, sent + count):
                score = alert(f"e{number}", entity=f"card{number % ENTITIES}")
                producer.send("alerts", score.entity, encode(score))
            producer.flush()
            sent += count

        for _ in range(KILLS):
            worker = start_worker()
            before = taken()
            send(150)
            wait_until(lambda floor=before: taken() > floor, "the worker has begun")
            worker.kill()
            worker.wait()
        start_worker()
        start_worker()
        send(150)
        wait_until(lambda: taken() == sent, "everything is taken")

        def all_sent() -> bool:
            """Look after one more alert of each card: that a command was sent is stored with the next change."""
            send(ENTITIES)
            wait_until(lambda: taken() == sent, "everything is taken")
            return set(statuses().values()) == {"sent"}

        wait_until(all_sent, "every command is noted as sent")
        wait_until(lambda: group_lag(kafka, "actors", "alerts") == 0, "everything is committed")

        found = [entities.decode(store.load(entity).state).alarms for entity in store.entities()]
        opened = [a for alarms in found for a in alarms.by_condition.values()]
        assert len(opened) == ENTITIES
        assert sum(a.alerts for a in opened) == sent
        published = {decode_command(record.value).command_id for record in read_all(kafka, "commands")}
        assert statuses() == dict.fromkeys(published, "sent")
        assert len(published) == ENTITIES
        assert {row.alarm_id: row.alerts for row in store.latest_alarms(2 * ENTITIES)} == {
            a.alarm_id: a.alerts for a in opened
        }


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited {PATIENCE_S} s until {what}"
        time.sleep(0.2)  # a look loads every entity
