"""The sweep: wakes entities whose alarms are due, so that silence is noticed without a further message.

It asks the list of alarms, which names for each when it is due; so it holds nothing, survives restarts, and finds
what no worker has in memory. Every worker sweeps; whoever comes second finds the entity settled.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from functools import partial

import structlog

from actors.feed import Heard
from actors.items import Wake
from actors.settings import ActorSettings
from models.alarms import ACTIVE
from storage.alarms import AlarmStore
from storage.errors import RetryLaterError

Admit = Callable[[Wake], Awaitable[None]]

_log = structlog.get_logger(__name__)


async def sweep(store: AlarmStore, settings: ActorSettings, admit: Admit, heard: Heard) -> None:
    """Wake what is due, every now and then, for ever; while the store or Kafka is away, nothing.

    Alarms that an earlier version left without a due time are woken first, once. Nothing is woken before the workers
    have taken what had come meanwhile: after an outage, alerts that wait in Kafka are no silence.
    """
    is_first = True
    while True:
        await asyncio.sleep(settings.sweep_s)
        until = await asyncio.to_thread(heard.ask)
        if until is None:
            continue
        if is_first:
            await _wake(admit, lambda: undated(store))
        is_first = False
        await _wake(admit, partial(due, store, until, settings.sweep_most))


def due(store: AlarmStore, now: int, most: int) -> set[str]:
    """Return the entities with alarms that are due (`now` in milliseconds since the epoch)."""
    return {alarm.entity for alarm in store.due_alarms(now, most)}


def undated(store: AlarmStore) -> set[str]:
    """Return the entities with an active alarm of which nobody knows when it is due."""
    return set(_undated(store))


def _undated(store: AlarmStore) -> Iterator[str]:
    for state in sorted(ACTIVE):
        yield from (alarm.entity for alarm in store.alarms_in(state) if alarm.due_at is None)


async def _wake(admit: Admit, entities: Callable[[], set[str]]) -> None:
    try:
        found = await asyncio.to_thread(entities)
    except RetryLaterError as error:
        _log.warning("sweep_left_out", error=str(error))
        return
    for entity in sorted(found):
        await admit(Wake(entity))
