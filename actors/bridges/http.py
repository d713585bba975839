"""The HTTP bridge: posts each command to its device until that has answered, in a thread of its own."""

import asyncio
import queue
import threading
import weakref
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any

import structlog

from actors.bridges.answers import Answer
from actors.bridges.errand import Errand, Word
from actors.bridges.http_asking import Asking, client_of
from actors.bridges.http_replies import Declined, Later, Reply
from actors.bridges.settings import HttpSettings
from ingest.ports import Clock
from models.actions import Command, Outcome

_log = structlog.get_logger(__name__)


class HttpBridge:
    """Posts commands; those of one device one after another, each until the device has it.

    Parameters
    ----------
    clock
        Milliseconds since the epoch.
    """

    def __init__(self, settings: HttpSettings, clock: Clock) -> None:
        self._words: queue.SimpleQueue[Word] = queue.SimpleQueue()
        self._client = client_of(settings)
        self._errands = _Errands(Asking(self._client, settings, clock), self._words.put)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="http-bridge", daemon=True)
        self._thread.start()

    def resume(self, errands: Sequence[Errand]) -> None:
        """Post again what has no last word; a device that knows it says the same again."""
        for errand in errands:
            self._loop.call_soon_threadsafe(self._errands.resume, errand)

    def give(self, errands: Sequence[Errand]) -> None:
        """Post these, or the request to drop them."""
        for errand in errands:
            self._loop.call_soon_threadsafe(self._errands.begin, errand)

    def drop(self, command_ids: Sequence[str]) -> None:
        """Post nothing more of these."""
        for command_id in command_ids:
            self._loop.call_soon_threadsafe(self._errands.end, command_id)

    def hear(self) -> list[Word]:
        """Return what devices have answered."""
        words = []
        while not self._words.empty():
            words.append(self._words.get())
        return words

    def settle(self) -> None:
        """Nothing has to be told: a device says the same again when it is asked again."""

    def close(self) -> None:
        """Leave requests under way; after the next start they are made again."""
        if self._loop.is_closed():
            return
        self._run(self._errands.close())
        self._run(self._client.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()


class _Errands:
    """One task for each command; all of this runs in the bridge's thread."""

    def __init__(self, asking: Asking, say: Callable[[Word], None]) -> None:
        self._asking = asking
        self._say = say
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._turns: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()
        self._asked: set[str] = set()

    def resume(self, errand: Errand) -> None:
        self._asked.add(errand.command_id)
        self.begin(errand)

    def begin(self, errand: Errand) -> None:
        if errand.cancel is None:
            assert errand.command is not None
            self._start(errand.command_id, self._carry(errand.command))
        elif errand.command_id in self._asked:
            self._start(errand.command_id, self._cancel(errand, errand.cancel))
        else:
            self.end(errand.command_id)
            self._say(_word(errand.command_id, "cancelled", "dropped before it left the gateway"))

    def end(self, command_id: str) -> None:
        self._asked.discard(command_id)
        task = self._tasks.pop(command_id, None)
        if task is not None:
            task.cancel()

    async def close(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, command_id: str, work: Coroutine[Any, Any, None]) -> None:
        before = self._tasks.get(command_id)
        if before is not None:
            before.cancel()
        self._tasks[command_id] = task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(partial(self._done, command_id))

    def _done(self, command_id: str, task: "asyncio.Task[None]") -> None:
        if self._tasks.get(command_id) is task:
            del self._tasks[command_id]
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("http_errand_failed", command_id=command_id, error=repr(error))

    async def _carry(self, command: Command) -> None:
        turn = self._turns.setdefault(command.entity, asyncio.Lock())
        async with turn:
            self._asked.add(command.command_id)
            reply = await self._asking.hand_over(command)
        await self._learn(command.command_id, command, reply)

    async def _cancel(self, errand: Errand, cancel: Command) -> None:
        reply = await self._asking.hand_over(cancel)
        if isinstance(reply, Answer | Later):
            await self._learn(errand.command_id, cancel, reply)
            return
        _log.warning("http_not_cancelled", command_id=errand.command_id, reason=reply.reason)
        if errand.state == "delivered" and errand.command is not None:
            await self._learn(errand.command_id, errand.command, Later(None))

    async def _learn(self, command_id: str, asked: Command, reply: Reply) -> None:
        """Say what is known of a command; `asked` is repeated for the last word on it."""
        if isinstance(reply, Later):
            self._say(_word(command_id, "delivered", "the device has it"))
            reply = await self._asking.outcome(asked, reply.url)
        if isinstance(reply, Declined):
            self._say(_word(command_id, "refused", reply.reason))
        elif isinstance(reply, Answer):
            self._say(_word(command_id, reply.outcome, reply.reason))


def _word(command_id: str, said: Outcome, reason: str) -> Word:
    return Word(command_id=command_id, said=said, reason=reason)
