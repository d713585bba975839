"""The supervisor: a fixed number of shards, each restarted with back-off when it crashes, its batch given again."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias

import pykka
import structlog

from actors.errors import RetryBatchError, StoppingError, StopProcessError
from actors.items import Item
from actors.settings import ActorSettings
from actors.shard import Batch
from ingest.errors import StopProcessError as KafkaRefusedError
from storage.buckets import BUCKETS, bucket_of
from storage.errors import StopProcessError as StoreRefusedError

StartShard: TypeAlias = Callable[[], pykka.ActorRef[pykka.ThreadingActor]]
Sleep: TypeAlias = Callable[[float], Awaitable[None]]

WATCH_S: Final = 1.0
"""How often a busy shard is looked at, in seconds."""

_log = structlog.get_logger(__name__)


def shard_of(entity: str, shards: int) -> int:
    """Return the shard that owns an entity: the same one in every process and run, and one for all of its bucket."""
    return bucket_of(entity) * shards // BUCKETS


class Supervisor:
    """Keeps the shards alive; lives on the event loop and only ever tells them.

    Parameters
    ----------
    start_shard
        Starts one shard actor.
    sleep
        Waits between a crash and the restart.
    """

    def __init__(
        self, start_shard: StartShard, settings: ActorSettings, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._start_shard = start_shard
        self._settings = settings
        self._sleep = sleep
        self._shards = [start_shard() for _ in range(settings.shards)]

    async def perform(self, index: int, items: Sequence[Item]) -> None:
        """Return when the shard has done the batch, however many restarts that takes.

        Raises
        ------
        StoppingError
            The worker is stopping and the batch is undone.
        StopProcessError
            The shard crashed too often in a row, or its error is one that no restart heals.
        """
        crashes = 0
        while True:
            try:
                return await self._told(index, items)
            except StoppingError:
                raise
            except (KafkaRefusedError, StoreRefusedError) as error:
                raise StopProcessError(f"shard {index}: {error}") from error
            except Exception as error:  # noqa: BLE001 - whatever ends a shard, its batch is not lost
                crashes += 1
                await self._restart(index, crashes, error)

    def stop(self) -> None:
        """Ask all shards to end after what they have in hand."""
        for shard in self._shards:
            if shard.is_alive():
                shard.stop(block=False)

    async def _told(self, index: int, items: Sequence[Item]) -> None:
        shard = self._shards[index]
        batch = Batch(items)
        done = asyncio.wrap_future(batch.done)
        try:
            shard.tell(batch)
        except pykka.ActorDeadError as error:
            raise RetryBatchError(f"shard {index} was dead when it was told") from error
        while not done.done():
            await asyncio.wait({done}, timeout=WATCH_S)
            if not done.done() and not shard.is_alive():
                await asyncio.wait({done}, timeout=WATCH_S)
                if not done.done():
                    raise RetryBatchError(f"shard {index} died without a word")
        done.result()

    async def _restart(self, index: int, crashes: int, error: Exception) -> None:
        if crashes > self._settings.crashes:
            raise StopProcessError(
                f"shard {index} crashed {crashes} times over the same batch, at last by {error!r}: "
                "nothing of the batch is committed, see the log for its entities"
            ) from error
        pause = min(self._settings.retry_most_s, self._settings.retry_first_s * 2 ** (crashes - 1))
        _log.error("shard_crashed", shard=index, crashes=crashes, restart_in_s=pause, error=repr(error))
        await self._sleep(pause)
        self._shards[index] = self._start_shard()
