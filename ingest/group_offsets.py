"""How far a consumer group has come, to be kept and gone back to.

Asked through a consumer that never joins the group: librdkafka's administrative requests to a group's coordinator end
the whole process when their answer comes after they were given up (its assertion `eonce->refcnt > 0`, or SIGSEGV).
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager

import confluent_kafka
from confluent_kafka import KafkaException, TopicPartition

from ingest.catalog import TOPICS, group_name, topic_name
from ingest.offsets import asking, watermarks
from ingest.settings import KafkaSettings, TopicName

Offsets = Mapping[int, int]
"""Offset of the next record, by partition."""


def committed(settings: KafkaSettings, group: str, topic: TopicName) -> dict[int, int]:
    """Return what a group has committed of a topic; partitions that it never did are left out."""
    found = _committed(settings, group, [topic_name(settings, topic)])
    return {where.partition: where.offset for where in found}


def committed_of_all(settings: KafkaSettings, group: str) -> dict[tuple[str, int], int]:
    """Return what a group has committed of all topics, by their names in Kafka, and partition."""
    found = _committed(settings, group, [topic_name(settings, topic) for topic in TOPICS])
    return {(where.topic, where.partition): where.offset for where in found}


def rewind(settings: KafkaSettings, group: str, topic: TopicName, offsets: Offsets) -> dict[int, int]:
    """Take a group without members back to earlier offsets; return those that it has now.

    It never goes forward, and not before what the topic still holds.
    """
    now, there = committed(settings, group, topic), watermarks(settings, topic)
    target = {
        partition: min(max(offsets.get(partition, 0), there[partition][0]), offset)
        for partition, offset in now.items()
        if partition in there
    }
    name = topic_name(settings, topic)
    _set(settings, group, [TopicPartition(name, partition, offset) for partition, offset in target.items()])
    return target


def rewind_all(settings: KafkaSettings, group: str) -> int:
    """Take a group without members back to the beginning of its topics; return how many partitions these are.

    Raises
    ------
    RetryLaterError
        When the group has members, or Kafka does not answer.
    """
    first = [TopicPartition(name, partition, 0) for name, partition in committed_of_all(settings, group)]
    _set(settings, group, first)
    return len(first)


def _committed(settings: KafkaSettings, group: str, names: Sequence[str]) -> list[TopicPartition]:
    timeout = settings.request_timeout_ms / 1000
    with _client(settings, group, "ask for") as client:
        topics = client.list_topics(timeout=timeout).topics
        asked = [TopicPartition(name, p) for name in names if name in topics for p in topics[name].partitions]
        found = client.committed(asked, timeout=timeout) if asked else []
        for where in found:
            if where.error is not None:
                raise KafkaException(where.error)
        return [where for where in found if where.offset >= 0]


def _set(settings: KafkaSettings, group: str, where: list[TopicPartition]) -> None:
    if where:
        with _client(settings, group, "set") as client:
            for done in client.commit(offsets=where, asynchronous=False) or []:
                if done.error is not None:
                    raise KafkaException(done.error)


def _client(
    settings: KafkaSettings, group: str, doing: str
) -> AbstractContextManager[confluent_kafka.Consumer]:
    name = group_name(settings, group)
    return asking(settings, name, f"{doing} the offsets of group {name}")
