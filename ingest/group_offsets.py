"""How far a consumer group has come, to be kept and gone back to."""

from collections.abc import Mapping

from confluent_kafka import TopicPartition

from ingest.admin import store_offsets, stored_offsets
from ingest.catalog import topic_name
from ingest.offsets import watermarks
from ingest.settings import KafkaSettings, TopicName

Offsets = Mapping[int, int]
"""Offset of the next record, by partition."""


def committed(settings: KafkaSettings, group: str, topic: TopicName) -> dict[int, int]:
    """Return what a group has committed of a topic; partitions that it never did are left out."""
    name, partitions = topic_name(settings, topic), watermarks(settings, topic)
    found = stored_offsets(settings, group, [TopicPartition(name, partition) for partition in partitions])
    return {where.partition: where.offset for where in found}


def committed_of_all(settings: KafkaSettings, group: str) -> dict[tuple[str, int], int]:
    """Return what a group has committed of all its topics, by their names in Kafka, and partition."""
    return {(where.topic, where.partition): where.offset for where in stored_offsets(settings, group)}


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
    wanted = [TopicPartition(name, partition, offset) for partition, offset in target.items()]
    if wanted:
        store_offsets(settings, group, wanted)
    return target


def rewind_all(settings: KafkaSettings, group: str) -> int:
    """Take a group without members back to the beginning of its topics; return how many partitions these are.

    Raises
    ------
    RetryLaterError
        When the group has members, or Kafka does not answer.
    """
    first = [TopicPartition(where.topic, where.partition, 0) for where in stored_offsets(settings, group)]
    if first:
        store_offsets(settings, group, first)
    return len(first)
