"""Lanes: the bounded way from the event loop to the shards, one lane a shard, one batch of it under way.

While a shard works, its next messages gather in its lane and become one batch: the busier, the larger. A
full lane makes the agent wait, and with it the reading from Kafka.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeAlias, TypeVar

from actors.errors import StoppingError
from actors.items import Item
from actors.receipts import Receipt, Receipts
from actors.settings import ActorSettings
from actors.supervisor import shard_of

M = TypeVar("M")
Perform: TypeAlias = Callable[[int, Sequence[Item]], Awaitable[None]]


class Lanes(Generic[M]):
    """Takes messages with their receipts and finishes the receipts when the shards are done.

    Parameters
    ----------
    perform
        Does a batch on a shard; whatever it raises, but `StoppingError`, ends `run`.
    """

    def __init__(self, perform: Perform, receipts: Receipts[M], settings: ActorSettings) -> None:
        self._perform = perform
        self._receipts = receipts
        self._batch = settings.batch
        self._closing = False
        self._lanes: list[asyncio.Queue[tuple[Item, Receipt[M] | None] | None]] = [
            asyncio.Queue(settings.lane) for _ in range(settings.shards)
        ]

    async def admit(self, item: Item, receipt: Receipt[M] | None) -> None:
        """Put one item into the lane of its entity's shard; wait while that is full. What is no message has no receipt."""
        await self._lanes[shard_of(item.entity, len(self._lanes))].put((item, receipt))

    async def run(self) -> None:
        """Move all lanes until `close`, or until a batch can't be done."""
        async with asyncio.TaskGroup() as tasks:
            for index in range(len(self._lanes)):
                tasks.create_task(self._move(index))

    def close(self) -> None:
        """Let `run` end once the batches under way are done; what waits in the lanes stays undone."""
        self._closing = True
        for lane in self._lanes:
            if lane.empty():
                lane.put_nowait(None)

    async def _move(self, index: int) -> None:
        while entries := await self._next(self._lanes[index]):
            try:
                await self._perform(index, [item for item, _ in entries])
            except StoppingError:
                return
            for _, receipt in entries:
                if receipt is not None:
                    self._receipts.finish(receipt)

    async def _next(
        self, lane: "asyncio.Queue[tuple[Item, Receipt[M] | None] | None]"
    ) -> list[tuple[Item, Receipt[M] | None]]:
        entries = [await lane.get()]
        while len(entries) < self._batch and not lane.empty():
            entries.append(lane.get_nowait())
        return [] if self._closing else [entry for entry in entries if entry is not None]
