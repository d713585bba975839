"""Lanes: the bounded way from the event loop to the shards, one lane a shard, one batch of it under way.

While a shard works, its next messages gather in its lane and become one batch: the busier, the larger. A batch is
bounded by its entities, for each of them is a write, however many of its messages share it. A shard that is behind
rests between its batches: more of each entity comes together meanwhile, which saves up to half of all writes, and so it
catches up sooner. A full lane makes the agent wait, and with it the reading from Kafka. What people and devices say
overtakes the alerts that wait, so that in a flood of alerts nobody who works on it waits longer than for a batch and a rest.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeAlias, TypeVar

from actors.errors import StoppingError
from actors.items import Item
from actors.receipts import Receipt, Receipts
from actors.settings import ActorSettings
from actors.supervisor import Sleep, shard_of
from ingest.ports import Clock
from models.actions import Ack
from models.operations import Operation
from models.scores import Score

E = TypeVar("E")
M = TypeVar("M")
Perform: TypeAlias = Callable[[int, Sequence[Item]], Awaitable[None]]

CROWD: Final = 4
"""After a batch of fewer messages there is no rest."""

MOST_REST_S: Final = 1.0
"""Longest rest, in seconds."""


class Lane(Generic[E]):
    """What waits for one shard: urgent entries, then the others, each in their order.

    Parameters
    ----------
    most
        How many of either may wait.
    entity_of
        Says which entity an entry is about.
    """

    def __init__(self, most: int, entity_of: Callable[[E], str]) -> None:
        self._entity_of = entity_of
        self._urgent: asyncio.Queue[E] = asyncio.Queue(most)
        self._others: asyncio.Queue[E] = asyncio.Queue(most)
        self._stirred = asyncio.Event()
        self._closed = False

    async def put(self, entry: E, *, urgent: bool) -> None:
        """Put one entry in; wait while there are too many of its kind."""
        await (self._urgent if urgent else self._others).put(entry)
        self._stirred.set()

    async def take(self, most: int) -> list[E]:
        """Return what waits of the next entities, at most so many, as soon as there is anything; nothing once the lane is closed."""
        while not self._closed and self._urgent.empty() and self._others.empty():
            self._stirred.clear()
            await self._stirred.wait()
        taken: list[E] = []
        entities: set[str] = set()
        for queue in () if self._closed else (self._urgent, self._others):
            while len(entities) < most and not queue.empty():
                taken.append(queue.get_nowait())
                entities.add(self._entity_of(taken[-1]))
        return taken

    def close(self) -> None:
        """Give nothing any more."""
        self._closed = True
        self._stirred.set()


class Lanes(Generic[M]):
    """Takes messages with their receipts and finishes the receipts when the shards are done.

    Parameters
    ----------
    perform
        Does a batch on a shard; whatever it raises, but `StoppingError`, ends `run`.
    clock
        Milliseconds since the epoch.
    """

    def __init__(
        self,
        perform: Perform,
        receipts: Receipts[M],
        settings: ActorSettings,
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._perform = perform
        self._receipts = receipts
        self._batch = settings.batch
        self._lanes: list[Lane[tuple[Item, Receipt[M] | None]]] = [
            Lane(settings.lane, _entity_of) for _ in range(settings.shards)
        ]

    async def admit(self, item: Item, receipt: Receipt[M] | None) -> None:
        """Put one item into the lane of its entity's shard; wait while that is full. What is no message has no receipt."""
        lane = self._lanes[shard_of(item.entity, len(self._lanes))]
        await lane.put((item, receipt), urgent=isinstance(item, Ack | Operation))

    async def run(self) -> None:
        """Move all lanes until `close`, or until a batch can't be done."""
        async with asyncio.TaskGroup() as tasks:
            for index in range(len(self._lanes)):
                tasks.create_task(self._move(index))

    def close(self) -> None:
        """Let `run` end once the batches under way are done; what waits in the lanes stays undone."""
        for lane in self._lanes:
            lane.close()

    async def _move(self, index: int) -> None:
        while entries := await self._lanes[index].take(self._batch):
            items = [item for item, _ in entries]
            try:
                await self._perform(index, items)
            except StoppingError:
                return
            for _, receipt in entries:
                if receipt is not None:
                    self._receipts.finish(receipt)
            if rest := rest_s(items, self._clock()):
                await self._sleep(rest)


def rest_s(items: Sequence[Item], now_ms: int) -> float:
    """Return how long a shard rests after a batch, in seconds: a quarter of what its alerts are late already."""
    oldest = min((item.ingested_at for item in items if isinstance(item, Score)), default=now_ms)
    late_s = max(0, now_ms - oldest) / 1_000
    return min(late_s / 4, MOST_REST_S) if len(items) >= CROWD else 0.0


def _entity_of(entry: tuple[Item, Receipt[M] | None]) -> str:
    return entry[0].entity
