"""The follower: reads partitions from given offsets to whatever comes, as a member of no group; it commits nothing."""

from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Final, Self

import confluent_kafka
from confluent_kafka import KafkaError, TopicPartition

from ingest.catalog import group_name, topic_name
from ingest.client import explain
from ingest.offsets import Where, asking, bounds_of, consumer_config, record_of
from ingest.ports import Record
from ingest.settings import KafkaSettings, TopicName

_PATIENT: Final = {"fetch.min.bytes": 1_000_000, "fetch.wait.max.ms": 500}
"""Where nobody waits for a follower, brokers answer twice a second, not at each record."""


class Follower:
    """Reads partitions; use it as a context manager.

    Parameters
    ----------
    name
        Names the client to Kafka, as a group that has no members.
    starts
        The first offset to read, by partition; what Kafka no longer holds is passed over.
    patient
        Whether records may come half a second later, and many at once.
    """

    def __init__(
        self, settings: KafkaSettings, name: str, starts: Mapping[Where, int], *, patient: bool = True
    ) -> None:
        self._settings = settings
        self._partitions = sorted(starts)
        self._errors: list[KafkaError] = []
        config = consumer_config(settings, group_name(settings, name))
        self._client = confluent_kafka.Consumer(config | (_PATIENT if patient else {}))
        self._client.assign([TopicPartition(*where, offset) for where, offset in starts.items()])

    def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        """Return up to `max_records`, as many as come within `timeout_s` seconds, in the order of each partition.

        Raises
        ------
        RetryLaterError
            Kafka refuses; records that came before the error were returned.
        """
        if self._errors:
            raise explain(self._errors.pop(0), "follow")
        messages = self._client.consume(max_records, timeout_s)
        self._errors = [error for message in messages if (error := message.error()) is not None]
        return [record_of(message) for message in messages if message.error() is None]

    def bounds(self) -> dict[Where, tuple[int, int]]:
        """Return the first offset of every partition and the one after its last, as they are now.

        Raises
        ------
        RetryLaterError
            Kafka does not answer.
        """
        return bounds_of(self._settings, self._partitions)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def offsets_since(settings: KafkaSettings, topic: TopicName, since_ms: int) -> dict[int, int]:
    """Return the offset of the first record with this timestamp or a later one, by partition; without one, the end.

    Parameters
    ----------
    since_ms
        Milliseconds since the epoch.
    """
    name, timeout = topic_name(settings, topic), settings.request_timeout_ms / 1000
    with asking(settings, "fastdata-offsets-since", f"ask for the offsets of {name} since a time") as client:
        partitions = client.list_topics(name, timeout=timeout).topics[name].partitions
        found = client.offsets_for_times(
            [TopicPartition(name, each, max(0, since_ms)) for each in partitions], timeout=timeout
        )
        return {
            where.partition: where.offset
            if where.offset >= 0
            else client.get_watermark_offsets(TopicPartition(name, where.partition), timeout=timeout)[1]
            for where in found
        }


def records_at(settings: KafkaSettings, places: Sequence[tuple[str, int, int]]) -> Iterator[Record]:
    """Yield the records at these places (topic by its name in Kafka, partition, offset), as far as they are there.

    Parameters
    ----------
    places
        Few: each is asked for by itself.
    """
    with asking(settings, "fastdata-records-at", "read single records") as client:
        for topic, partition, offset in places:
            client.assign([TopicPartition(topic, partition, offset)])
            for message in client.consume(1, settings.request_timeout_ms / 1000):
                if message.error() is None and message.offset() == offset:
                    yield record_of(message)
