"""Faust's Kafka transport with three changes: the agent says when a message is done, a stop closes all, and no needless tasks.

Faust's streams acknowledge too much for us: `take()` acknowledges its buffer when the agent raises or is
cancelled, and a message skipped during a rebalance is acknowledged unprocessed. Here those calls do nothing; our agents
read their channels, so that this only guards.

A rebalance that comes while Faust stops makes it close the consumer on another event loop than the consumer's own and
mark it as closed, so that the stop leaves it alone: its connections stay open, and it does not leave its group, so
that the others wait until the session times out. Here that call does nothing, and the stop closes the consumer.

To hand on a message Faust makes four tasks, for it may have to wait until the agent has room, or until the consumer stops
first. Here a message that need not wait is handed on without any.
"""

from collections.abc import Coroutine, Generator, Iterable
from inspect import iscoroutine
from typing import Any, ClassVar, Generic, TypeVar

from faust.exceptions import ConsumerNotStarted
from faust.transport.drivers import aiokafka
from faust.types.tuples import TP, Message
from mode.services import WaitResults

T = TypeVar("T")


class Begun(Generic[T]):
    """A coroutine that has taken its first step, to be awaited for the others.

    Parameters
    ----------
    coroutine
        Has been sent None once.
    waits_for
        What it yielded to that: the future that it waits for, or None.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, T], waits_for: Any) -> None:
        self._coroutine = coroutine
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, T]:
        waits_for = self._waits_for
        try:
            while True:
                try:
                    found = yield waits_for
                except BaseException as error:  # noqa: BLE001 - the coroutine decides what becomes of it
                    waits_for = self._coroutine.throw(error)
                else:
                    waits_for = self._coroutine.send(found)
        except StopIteration as end:
            value: T = end.value
            return value


class Consumer(aiokafka.Consumer):
    """A consumer whose messages are acknowledged by `acknowledge` alone, and that only a stop closes."""

    def ack(self, message: Message) -> bool:  # noqa: ARG002 - Faust's signature
        """Do nothing: this is how streams acknowledge."""
        return False

    def acknowledge(self, message: Message) -> bool:
        """Make the message's offset part of the next commit."""
        return bool(super().ack(message))

    async def wait_first(self, *waits: Any, timeout: Any = None) -> WaitResults:  # noqa: ASYNC109 - Faust's signature
        """Return as soon as one of these is done, or the consumer stops; at once when the first need not wait."""
        first, *others = waits
        if timeout is not None or not iscoroutine(first):
            return await super().wait_first(*waits, timeout=timeout)
        try:
            waits_for = first.send(None)
        except StopIteration as end:
            _leave(others)
            if self._stopped.is_set() or self._crashed.is_set():
                return WaitResults(done=[], results=[], stopped=True)
            return WaitResults(done=[first], results=[end.value], stopped=False)
        except BaseException:
            _leave(others)
            raise
        return await super().wait_first(Begun(first, waits_for), *others)

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Do nothing: this is how Faust notes in its log that messages wait; `actors.stalled` ends a worker where they do."""

    def own(self) -> set[tuple[str, int]]:
        """Return the partitions that it has now, by the topic's name; none before it has started."""
        try:
            return {(where.topic, where.partition) for where in self.assignment()}
        except ConsumerNotStarted:
            return set()

    def close(self) -> None:
        """Do nothing: this is how a rebalance closes the consumer of an app that is about to stop it."""

    def release(self) -> None:
        """Close the event loop of the consumer's thread; the thread does it itself, but only once it ran."""
        loop = self._thread.thread_loop
        if not (loop.is_running() or loop.is_closed()):
            loop.close()


class Transport(aiokafka.Transport):
    """The aiokafka transport with that consumer."""

    Consumer: ClassVar[type[aiokafka.Consumer]] = Consumer


def _leave(waits: Iterable[Any]) -> None:
    """Close coroutines that nobody will await."""
    for wait in filter(iscoroutine, waits):
        wait.close()
