"""The producer's ledger: what was sent, what Kafka acknowledged and where; kept apart from all that is under test."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ingest.errors import RetryLaterError
from ingest.ports import Headers, OnAck, ProducerPort
from ingest.settings import TopicName
from models import events
from models.events import Transaction

Where = tuple[str, int, int]
"""Topic without prefix, partition and offset."""


@dataclass
class Ledger:
    """Sets of ids and places; several threads write to it.

    Attributes
    ----------
    sent, acked
        Ids of transactions. What was sent and not acknowledged may or may not be in Kafka.
    poison
        Places of records that are no events.
    waiting
        Acknowledged and not yet seen scored: id to the time of the acknowledgement, in seconds, oldest first.
    pending
        Sent and not yet acknowledged, all topics: a number to the time of the sending, oldest first.
    """

    monotonic: Callable[[], float]
    sent: set[str] = field(default_factory=set)
    acked: set[str] = field(default_factory=set)
    poison: set[Where] = field(default_factory=set)
    waiting: dict[str, float] = field(default_factory=dict)
    pending: dict[int, float] = field(default_factory=dict)
    _scored: set[str] = field(default_factory=set)
    _number: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, name: str | None) -> int:
        """Note the sending of a transaction, or of something else; return its number."""
        with self._lock:
            self._number += 1
            self.pending[self._number] = self.monotonic()
            if name is not None:
                self.sent.add(name)
            return self._number

    def ack(self, number: int, name: str | None) -> None:
        """Note an acknowledgement."""
        with self._lock:
            self.pending.pop(number, None)
            if name is not None and name not in self.acked:
                self.acked.add(name)
                if name not in self._scored:
                    self.waiting[name] = self.monotonic()

    def give_up(self) -> None:
        """Note that nobody waits any more for what was sent and not acknowledged."""
        with self._lock:
            self.pending.clear()

    def score(self, name: str) -> None:
        """Note that a score of a transaction was seen."""
        with self._lock:
            self._scored.add(name)
            self.waiting.pop(name, None)

    def oldest_s(self) -> float:
        """Return how long the oldest has been waiting, for its acknowledgement or its score, in seconds."""
        with self._lock:
            oldest = [next(iter(times.values())) for times in (self.waiting, self.pending) if times]
        return self.monotonic() - min(oldest) if oldest else 0.0


class LedgerProducer:
    """A producer that keeps a ledger; the events go to another one."""

    def __init__(self, inner: ProducerPort, ledger: Ledger) -> None:
        self._inner = inner
        self._ledger = ledger

    def send(
        self,
        topic: TopicName,
        key: bytes | str,
        value: bytes,
        *,
        headers: Headers | None = None,
        timestamp_ms: int | None = None,
        on_ack: OnAck | None = None,
    ) -> None:
        """Hand over one event."""
        name = _transaction(topic, value)
        number = self._ledger.send(name)

        def acked(partition: int, offset: int) -> None:
            self._ledger.ack(number, name)
            if on_ack is not None:
                on_ack(partition, offset)

        with self._giving_up():
            self._inner.send(topic, key, value, headers=headers, timestamp_ms=timestamp_ms, on_ack=acked)

    def poison(self, topic: TopicName, value: bytes) -> None:
        """Hand over what is no event; its place is noted once Kafka has it."""
        number = self._ledger.send(None)

        def acked(partition: int, offset: int) -> None:
            self._ledger.ack(number, None)
            self._ledger.poison.add((topic, partition, offset))

        with self._giving_up():
            self._inner.send(topic, "poison", value, on_ack=acked)

    def flush(self) -> None:
        """Wait until every event is acknowledged."""
        with self._giving_up():
            self._inner.flush()

    def settle(self, done: Callable[[], bool]) -> None:
        """Wait until acknowledgements have brought about `done`."""
        with self._giving_up():
            self._inner.settle(done)

    @contextmanager
    def _giving_up(self) -> Iterator[None]:
        """Let the ledger wait for nothing that the producer has dropped."""
        try:
            yield
        except RetryLaterError:
            self._ledger.give_up()
            raise


def _transaction(topic: TopicName, value: bytes) -> str | None:
    if topic != "transactions":
        return None
    event = events.decode(value)
    return event.event_id if isinstance(event, Transaction) else None
