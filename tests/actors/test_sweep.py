"""The sweep wakes what is due, once each time, and nothing while the store is away."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from actors.items import Wake
from actors.settings import ActorSettings
from actors.sweep import sweep
from actors.work import Work
from models.scores import Score
from storage.alarms import AlarmRow
from storage.errors import RetryLaterError
from storage.memory import MemoryEntityStore


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


async def woken(store: Any, settings: ActorSettings, now: int, rounds: int) -> list[str]:
    """Return the entities that so many admissions were for."""
    found: list[str] = []
    enough = asyncio.Event()

    async def admit(item: Wake) -> None:
        found.append(item.entity)
        if len(found) >= rounds:
            enough.set()

    task = asyncio.create_task(sweep(store, settings, lambda: now, admit))
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
    settings: ActorSettings,
) -> None:
    make_work(store, producer)([alert("e1")])
    (opened,) = store.latest_alarms(9)
    assert opened.due_at is not None
    assert opened.due_at - opened.opened_at == settings.off_delay_s * 1_000
    brief = settings.model_copy(update={"off_delay_s": 0.001})
    make_work(store, producer, settings=brief)([Wake(opened.entity)])
    (returned,) = store.latest_alarms(9)
    assert (returned.state, returned.due_at) == ("returned_unacknowledged", None)
    assert returned.version > opened.version
