"""Workers of one group on a real Kafka: what is committed when, and what a worker that comes or goes leaves to the others."""

import asyncio
import gc
import threading
import time
from collections.abc import Callable
from typing import Any

import faust
import pytest
from worker_threads import COMMIT_S, PATIENCE_S, Workers, send, taken, wait_until

from actors.transport import Consumer as FaustConsumer
from ingest.admin import group_lag, group_members
from ingest.reading import read_all
from ingest.settings import KafkaSettings, TopicSettings
from ingest.topics import ensure_topics
from models.actions import decode_command
from models.scores import Score
from storage.entities import EntityStore
from storage.memory import MemoryEntityStore
from storage.one_by_one import OneByOne

pytestmark = pytest.mark.kafka


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
    closed = threading.Event()
    settled: set[faust.App] = set()
    stop_consumer, close = faust.App._stop_consumer, FaustConsumer.close
    end_rebalance = faust.App.on_rebalance_end

    async def stop_the_second_later(app: faust.App) -> None:
        stopping.append(app)
        if app is not stopping[0]:
            await asyncio.to_thread(closed.wait, PATIENCE_S / 3)  # within the time that the thread has to end
        await stop_consumer(app)

    def note_and_close(consumer: FaustConsumer) -> None:
        closed.set()
        close(consumer)

    def note_the_end_of_a_rebalance(app: faust.App) -> None:
        end_rebalance(app)
        settled.add(app)

    monkeypatch.setattr("actors.worker.STOP_S", PATIENCE_S)
    monkeypatch.setattr(faust.App, "on_rebalance_end", note_the_end_of_a_rebalance)
    monkeypatch.setattr(faust.App, "_stop_consumer", stop_the_second_later)
    monkeypatch.setattr(FaustConsumer, "close", note_and_close)
    send(kafka, alert("e1", entity="card"))
    workers.start(store)
    wait_until(lambda: taken(store) == 1, "the first worker is there")
    workers.start(store)
    wait_until(lambda: len(settled) == 2, "the second worker has its partitions")
    wait_until(lambda: not any(app.rebalancing for app in settled), "the first one has its rest of them")
    assert group_members(kafka, "actors") == 2
    workers.stop_all()
    assert closed.is_set(), "Faust closes the consumer of an app that stops when a rebalance comes"
    assert group_members(kafka, "actors") == 0
    gc.collect()  # a connection left open would warn now, and warnings are errors
