"""The sweep wakes what is due, once each time, and nothing while the store is away."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from actors.feed import Feed, Heard, Look, Reach
from actors.items import Wake
from actors.order_sweep import due
from actors.settings import ActorSettings
from actors.sweep import sweep
from actors.work import Work
from ingest.errors import RetryLaterError as KafkaAwayError
from models.policies.policies import parse
from models.scores import Score
from storage.alarms import AlarmRow
from storage.errors import RetryLaterError
from storage.memory import MemoryEntityStore
from storage.orders import OrderRow


def row(number: int, **fields: Any) -> AlarmRow:
    values = {
        "alarm_id": f"a{number}",
        "entity": f"card-{number}",
        "condition": "fraud",
        "opened_at": number,
        "version": 1,
        "state": "active_unacknowledged",
        "event_id": "e",
        "alerts": 1,
    }
    return AlarmRow(**{**values, **fields})


async def woken(store: Any, settings: ActorSettings, now: int, rounds: int, look: Look = dict) -> list[str]:
    """Return the entities that so many admissions were for."""
    found: list[str] = []
    enough = asyncio.Event()

    async def admit(item: Wake) -> None:
        found.append(item.entity)
        if len(found) >= rounds:
            enough.set()

    task = asyncio.create_task(sweep(store, settings, admit, Heard(look, lambda: now)))
    await asyncio.wait_for(enough.wait(), timeout=30)
    task.cancel()
    return found[:rounds]


@pytest.fixture
def quick(settings: ActorSettings) -> ActorSettings:
    return settings.model_copy(update={"sweep_s": 0.001})


def test_what_nobody_dated_is_woken_once_and_what_is_due_again_and_again(
    store: MemoryEntityStore, quick: ActorSettings
) -> None:
    for each in (
        row(1),
        row(2, due_at=10),
        row(3, due_at=99),
        row(4, state="closed"),
        row(5, state="shelved"),
    ):
        store.record_alarm(each)
    assert asyncio.run(woken(store, quick, now=10, rounds=4)) == ["card-1", "card-2", "card-2", "card-2"]


def test_a_store_that_is_away_only_delays(store: MemoryEntityStore, quick: ActorSettings) -> None:
    class Away:
        asked = 0

        def __getattr__(self, name: str) -> Any:
            return getattr(store, name)

        def due_alarms(self, now: int, limit: int) -> Any:
            self.asked += 1
            if self.asked < 3:
                raise RetryLaterError("away")
            return store.due_alarms(now, limit)

    store.record_alarm(row(2, due_at=10))
    assert asyncio.run(woken(Away(), quick, now=10, rounds=1)) == ["card-2"]


def test_a_wake_settles_and_lists_an_alarm_that_no_worker_had_in_memory(
    make_work: Callable[..., Work],
    store: MemoryEntityStore,
    producer: Any,
    alert: Callable[..., Score],
) -> None:
    make_work(store, producer)([alert("e1")])
    (opened,) = store.latest_alarms(9)
    assert opened.due_at is not None
    assert opened.due_at - opened.opened_at == 10_000
    brief = parse('[alarms.default]\noff_delay = "1ms"', "this test")
    make_work(store, producer, policies=brief)([Wake(opened.entity)])
    (returned,) = store.latest_alarms(9)
    assert (returned.state, returned.due_at) == ("returned_unacknowledged", None)
    assert returned.version > opened.version


def test_nothing_is_woken_while_alerts_wait_in_kafka(store: MemoryEntityStore, quick: ActorSettings) -> None:
    looks = iter([KafkaAwayError("away"), 3, 7, 9, *[10] * 1_000_000])
    seen: list[int] = []

    def look() -> dict[int, Reach]:
        found = next(looks)
        if isinstance(found, Exception):
            raise found
        seen.append(found)
        return {0: Reach(10, found), 1: Reach(4, 4)}

    store.record_alarm(row(2, due_at=10))
    assert asyncio.run(woken(store, quick, now=10, rounds=1, look=look)) == ["card-2"]
    assert seen[:4] == [3, 7, 9, 10]


def test_a_feed_that_never_rests_is_heard_until_where_it_ended_before() -> None:
    feed = Feed()
    assert feed.heard_until(1_000, {0: Reach(10, 5)}) is None
    assert feed.heard_until(2_000, {0: Reach(30, 9)}) is None
    assert feed.heard_until(3_000, {0: Reach(50, 10)}) == 1_000
    assert feed.heard_until(4_000, {0: Reach(70, 49)}) is None
    assert feed.heard_until(5_000, {0: Reach(90, 70)}) == 4_000
    assert feed.heard_until(6_000, {0: Reach(90, 90)}) == 6_000


def test_a_command_that_is_due_says_nothing_of_silence(
    make_work: Callable[..., Work], store: MemoryEntityStore, producer: Any, alert: Callable[..., Score]
) -> None:
    brief = parse('[alarms.default]\noff_delay = "1ms"', "this test")
    work = make_work(store, producer, policies=brief)
    work([alert("e1")])
    entity = store.latest_alarms(9)[0].entity
    work([Wake(entity, commands=("k1",))])
    assert store.latest_alarms(9)[0].state == "active_unacknowledged"
    work([Wake(entity)])
    assert store.latest_alarms(9)[0].state == "returned_unacknowledged"


def test_commands_that_wait_for_an_answer_are_due_when_all_answers_until_then_were_taken(
    store: MemoryEntityStore,
) -> None:
    for name, status in (("k1", "sent"), ("k2", "held"), ("k3", "delivered")):
        store.record_order(
            OrderRow(
                command_id=name,
                entity=f"of {name}",
                kind="block_card",
                issued_at=1,
                version=1,
                status=status,
                changed_at=1,
                body="{}",
                due_at=50,
            )
        )
    assert {wake.entity for wake in due(store, 60, 9, heard=49)} == {"of k2"}
    assert {wake.entity for wake in due(store, 60, 9, heard=50)} == {"of k1", "of k2", "of k3"}
    assert len(due(store, 60, 9)) == 3
