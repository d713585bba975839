"""What group members and groupless readers share: their configuration, records, and a topic's offsets."""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import confluent_kafka
from confluent_kafka import KafkaException, Message, TopicPartition

from ingest.catalog import topic_name
from ingest.client import base_config, explain
from ingest.ports import Record
from ingest.settings import KafkaSettings, TopicName

ASK_AGAIN_S: Final = 0.05
"""How long to wait for a leader before asking again, in seconds."""

Where = tuple[str, int]
"""A topic's name in Kafka, and a partition."""

_LEADERLESS: Final = frozenset({"NOT_LEADER_FOR_PARTITION", "LEADER_NOT_AVAILABLE", "_LEADER_NOT_AVAILABLE"})


def consumer_config(settings: KafkaSettings, group: str) -> dict[str, object]:
    """Return how a consumer behaves; offsets are only ever committed by hand."""
    return base_config(settings) | {
        "group.id": group,
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "partition.assignment.strategy": "cooperative-sticky",
        "session.timeout.ms": settings.session_timeout_ms,
        "heartbeat.interval.ms": max(1_000, settings.session_timeout_ms // 5),
        "max.poll.interval.ms": settings.max_poll_interval_ms,
        "fetch.error.backoff.ms": 100,
    }


def record_of(message: Message) -> Record:
    """Take a record out of the client's message; an absent value is an empty one."""
    headers: Any = message.headers() or ()
    return Record(
        message.topic() or "",
        message.partition() or 0,
        message.offset() or 0,
        message.key(),
        message.value() or b"",
        message.timestamp()[1],
        tuple((name, value or b"") for name, value in headers),
    )


def watermarks(settings: KafkaSettings, topic: TopicName) -> dict[int, tuple[int, int]]:
    """Return the first offset and the one after the last, by partition.

    Raises
    ------
    RetryLaterError
        When the topic is missing or Kafka does not answer.
    """
    name = topic_name(settings, topic)
    timeout_s = settings.request_timeout_ms / 1000
    with asking(settings, "fastdata-watermarks", f"ask for the offsets of {name}") as client:
        found = client.list_topics(name, timeout=timeout_s).topics[name]
        if found.error is not None:
            raise KafkaException(found.error)
        return {each: _watermark(client, TopicPartition(name, each), timeout_s) for each in found.partitions}


def bounds_of(settings: KafkaSettings, partitions: Iterable[Where]) -> dict[Where, tuple[int, int]]:
    """Return the first offset and the one after the last of these partitions.

    By a client that reads nothing: the questions of one that reads wait behind its fetches, up to half a second for each
    partition.

    Raises
    ------
    RetryLaterError
        When Kafka does not answer.
    """
    timeout_s = settings.request_timeout_ms / 1000
    with asking(settings, "fastdata-watermarks", "ask for the ends of what is read") as client:
        return {where: _watermark(client, TopicPartition(*where), timeout_s) for where in partitions}


@contextmanager
def asking(
    settings: KafkaSettings, group: str, doing: str, more: Mapping[str, object] | None = None
) -> Iterator[confluent_kafka.Consumer]:
    """Give a client that never joins its group; it is closed at the end, and its errors are mapped to ours.

    Parameters
    ----------
    group
        The group's name in Kafka.
    doing
        What it is for, for the message of an error.
    more
        What it is configured with beyond `consumer_config`.
    """
    client = confluent_kafka.Consumer(consumer_config(settings, group) | dict(more or {}))
    try:
        yield client
    except KafkaException as error:
        raise explain(error, doing) from error
    finally:
        client.close()


def _watermark(client: confluent_kafka.Consumer, where: TopicPartition, timeout_s: float) -> tuple[int, int]:
    """Ask until the partition has its leader: a moment may pass after a topic was created or a broker died."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            return client.get_watermark_offsets(where, timeout=timeout_s)
        except KafkaException as error:
            if error.args[0].name() not in _LEADERLESS or time.monotonic() > deadline:
                raise
            time.sleep(ASK_AGAIN_S)
