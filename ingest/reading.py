"""Reading a whole topic without a group: from its first record to the ends it has now."""

import time
from collections.abc import Iterator
from typing import Final

import confluent_kafka
from confluent_kafka import Message, TopicPartition

from ingest.catalog import topic_name
from ingest.client import explain
from ingest.errors import RetryLaterError
from ingest.offsets import asking, record_of, watermarks
from ingest.ports import Record
from ingest.settings import KafkaSettings, TopicName

_READ_BATCH: Final = 1_000
_READ_WAIT_S: Final = 0.2


def read_all(settings: KafkaSettings, topic: TopicName) -> Iterator[Record]:
    """Read a topic from its first record to the ends it has now, without a group.

    Yields
    ------
    Record
        In order of offset within each partition.

    Raises
    ------
    RetryLaterError
        When the topic is missing or Kafka stops answering.
    """
    return _read(settings, topic, None)


def read_since(settings: KafkaSettings, topic: TopicName, since_ms: int) -> Iterator[Record]:
    """Read a topic, like `read_all`, from the first record of each partition that has this timestamp or a later one.

    Parameters
    ----------
    since_ms
        Milliseconds since the epoch; where clocks disagree, earlier timestamps may follow.
    """
    return _read(settings, topic, since_ms)


def _read(settings: KafkaSettings, topic: TopicName, since_ms: int | None) -> Iterator[Record]:
    name = topic_name(settings, topic)
    ends = watermarks(settings, topic)
    with asking(settings, "fastdata-read-all", f"read {name}", {"enable.partition.eof": True}) as client:
        starts = {partition: first for partition, (first, _) in ends.items()}
        if since_ms is not None:
            starts = _later(client, settings, name, starts, since_ms)
        client.assign([TopicPartition(name, partition, start) for partition, start in starts.items()])
        yield from _up_to(
            client, settings, {p: ends[p][1] for p, start in starts.items() if ends[p][1] > start}
        )


def _later(
    client: confluent_kafka.Consumer,
    settings: KafkaSettings,
    name: str,
    firsts: dict[int, int],
    since_ms: int,
) -> dict[int, int]:
    """Return the offset of the first record since a time, by partition; partitions without one are left out."""
    asked = [TopicPartition(name, partition, since_ms) for partition in firsts]
    found = client.offsets_for_times(asked, timeout=settings.request_timeout_ms / 1000)
    return {where.partition: where.offset for where in found if where.offset >= 0}


def _up_to(
    client: confluent_kafka.Consumer, settings: KafkaSettings, ends: dict[int, int]
) -> Iterator[Record]:
    deadline = time.monotonic() + settings.request_timeout_ms / 1000
    while ends:
        messages = client.consume(_READ_BATCH, _READ_WAIT_S)
        if messages:
            deadline = time.monotonic() + settings.request_timeout_ms / 1000
        elif time.monotonic() > deadline:
            raise RetryLaterError(f"nothing came for {settings.request_timeout_ms} ms; missing up to {ends}")
        for message in messages:
            yield from _if_before_end(message, ends)


def _if_before_end(message: Message, ends: dict[int, int]) -> Iterator[Record]:
    error, partition, offset = message.error(), message.partition() or 0, message.offset() or 0
    if error is not None and error.name() != "_PARTITION_EOF":
        raise explain(error, f"read {message.topic()}")
    end = ends.get(partition)
    if end is None:
        return
    if error is None and offset < end:
        yield record_of(message)
    if offset + 1 >= end:
        del ends[partition]
