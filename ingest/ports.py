"""What the rest of the application sees of Kafka: a record, and the two verbs sides, producer and consumer.

Topics are named as in `ingest.catalog.TOPICS`; the prefix of the settings is added and taken inside.
Both ports have two implementations that pass one contract suite: Kafka's and the twin in `ingest.memory`.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from ingest.settings import TopicName

Clock = Callable[[], int]
"""Tells the time in milliseconds since the epoch."""

OnAck = Callable[[int, int], None]
"""Called with partition and offset once Kafka has acknowledged a record."""

Headers = Sequence[tuple[str, bytes]]


class Record(NamedTuple):
    """One record as it lies in Kafka.

    Attributes
    ----------
    topic
        The topic's name in Kafka, with prefix.
    timestamp_ms
        Kafka's timestamp, milliseconds since the epoch.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes
    timestamp_ms: int
    headers: tuple[tuple[str, bytes], ...] = ()

    @property
    def position(self) -> str:
        """`topic/partition/offset`, as dead letters name it."""
        return f"{self.topic}/{self.partition}/{self.offset}"


class ProducerPort(Protocol):
    """Writes records; what was not acknowledged before `flush` or `settle` returned does not count as written."""

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
        """Hand over one record; waits when too many are under way."""

    def flush(self) -> None:
        """Wait until every record is acknowledged; `RetryLaterError` when one was not."""

    def settle(self, done: Callable[[], bool]) -> None:
        """Wait until acknowledgements have brought about `done`; with nothing left to come it returns in any case."""


class ConsumerPort(Protocol):
    """Reads records for a group; what was not committed is delivered again after a restart."""

    def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        """Return up to `max_records` as soon as there is one, or nothing after `timeout_s` seconds."""

    def commit(self, records: Sequence[Record]) -> None:
        """Mark everything up to these records, per partition, as done; returns when Kafka has it."""

    def lag(self) -> int:
        """Return how many records of the assigned partitions are not committed yet."""

    def close(self) -> None:
        """Leave the group, so that others take over at once."""
