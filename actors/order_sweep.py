"""The sweep of commands: wakes entities whose commands are due, and those that a stop held back once it is over.

It asks the list of commands, so it holds nothing and survives restarts. Every worker sweeps; whoever comes second
finds the entity settled.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

import structlog

from actors.feed import Feeds, Heard
from actors.items import Wake
from actors.permitting import LOOK_MS
from actors.settings import ActorSettings
from actors.sweep import Admit, sweep
from ingest.ports import Clock
from models import orders
from storage.entities import EntityStore
from storage.errors import RetryLaterError
from storage.orders import OrderRow, OrderStore

RESUME_MS: Final = 2 * LOOK_MS
"""So long after the end of a stop every worker knows of it, in milliseconds."""

_log = structlog.get_logger(__name__)


class Resumption:
    """Says, once after each stop and once after a start, that what a stop held back may go."""

    def __init__(self) -> None:
        self._running_since: int | None = None
        self._said = False

    def due(self, *, stopped: bool, now: int) -> bool:
        """Return whether it is time to say so (`now` in milliseconds since the epoch)."""
        if stopped:
            self._running_since, self._said = None, False
            return False
        if self._running_since is None:
            self._running_since = now
        if self._said or now < self._running_since + RESUME_MS:
            return False
        self._said = True
        return True

    def again(self) -> None:
        """Say it once more: whoever was told could do nothing."""
        self._said = False


async def sweep_all(
    store: EntityStore,
    settings: ActorSettings,
    clock: Clock,
    feeds: Feeds,
    admit: Admit,
) -> None:
    """Sweep alarms and commands, for ever."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(sweep(store, settings, admit, feeds.alerts))
        tasks.create_task(sweep_orders(store, settings, clock, admit, feeds.answers))
        tasks.create_task(sweep_stops(store, clock, admit))


async def sweep_orders(
    store: OrderStore, settings: ActorSettings, clock: Clock, admit: Admit, answers: Heard
) -> None:
    """Wake entities with commands that are due, every now and then; while the store is away, nothing.

    It also finds out until when all answers were taken: one that waits in Kafka is no reason to send again.
    """
    while True:
        await asyncio.to_thread(answers.ask)
        await _wake(admit, lambda: due(store, clock(), settings.sweep_most, answers()))
        await asyncio.sleep(settings.sweep_s)


async def sweep_stops(store: EntityStore, clock: Clock, admit: Admit) -> None:
    """Wake entities whose commands a stop held back once it is over, and once after the start."""
    resumption = Resumption()
    while True:
        await _wake(admit, lambda: resumed(store, clock(), resumption))
        await asyncio.sleep(LOOK_MS / 1_000)


def due(store: OrderStore, now: int, most: int, heard: int | None = None) -> list[Wake]:
    """Return wakes for the entities with commands that are due.

    Parameters
    ----------
    now
        Milliseconds since the epoch.
    heard
        Until when all answers were taken: commands that wait for one are due no further; None: until now.
    """
    rows = store.due_orders(now, most)
    return _wakes(row for row in rows if heard is None or _is_due(row, heard))


def _is_due(row: OrderRow, heard: int) -> bool:
    return row.status not in {"sent", "delivered"} or (row.due_at is not None and row.due_at <= heard)


def resumed(store: EntityStore, now: int, resumption: Resumption) -> list[Wake]:
    """Return wakes for the entities whose commands a stop held back, when that is over."""
    if not resumption.due(stopped=store.command_stop().stopped, now=now):
        return []
    try:
        held = store.orders_in("held")
    except RetryLaterError:
        resumption.again()
        raise
    return _wakes(row for row in held if orders.decode(row.body).waits_for == "stop")


def _wakes(rows: Iterable[OrderRow]) -> list[Wake]:
    by_entity: dict[str, list[str]] = {}
    for row in rows:
        by_entity.setdefault(row.entity, []).append(row.command_id)
    return [Wake(entity, tuple(names)) for entity, names in by_entity.items()]


async def _wake(admit: Admit, find: Callable[[], list[Wake]]) -> None:
    try:
        found = await asyncio.to_thread(find)
    except RetryLaterError as error:
        _log.warning("sweep_left_out", error=str(error))
        return
    for wake in found:
        await admit(wake)
