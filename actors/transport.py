"""Faust's Kafka transport with two changes: a message counts as done only when the agent says so, and a stop closes all.

Faust's streams acknowledge too much for us: `take()` acknowledges its buffer when the agent raises or is
cancelled, and a message skipped during a rebalance is acknowledged unprocessed. Here those calls do nothing.

A rebalance that comes while Faust stops makes it close the consumer on another event loop than the consumer's own and
mark it as closed, so that the stop leaves it alone: its connections stay open, and it does not leave its group, so
that the others wait until the session times out. Here that call does nothing, and the stop closes the consumer.
"""

from typing import ClassVar

from faust.exceptions import ConsumerNotStarted
from faust.transport.drivers import aiokafka
from faust.types.tuples import Message


class Consumer(aiokafka.Consumer):
    """A consumer whose messages are acknowledged by `acknowledge` alone, and that only a stop closes."""

    def ack(self, message: Message) -> bool:  # noqa: ARG002 - Faust's signature
        """Do nothing: this is how streams acknowledge."""
        return False

    def acknowledge(self, message: Message) -> bool:
        """Make the message's offset part of the next commit."""
        return bool(super().ack(message))

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
