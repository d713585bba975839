"""How far a consumer group has come, to be kept and gone back to."""

from collections.abc import Callable, Mapping
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition

from ingest.admin import admin_client
from ingest.catalog import group_name, topic_name
from ingest.client import explain
from ingest.offsets import watermarks
from ingest.settings import KafkaSettings, TopicName

Offsets = Mapping[int, int]
"""Offset of the next record, by partition."""


def committed(settings: KafkaSettings, group: str, topic: TopicName) -> dict[int, int]:
    """Return what a group has committed of a topic; partitions that it never did are left out."""
    name, partitions = topic_name(settings, topic), watermarks(settings, topic)
    asked = [TopicPartition(name, partition) for partition in partitions]
    found = _ask(settings, group, asked, admin_client(settings).list_consumer_group_offsets)
    return {where.partition: where.offset for where in found if where.offset >= 0}


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
        _ask(settings, group, wanted, admin_client(settings).alter_consumer_group_offsets)
    return target


def _ask(
    settings: KafkaSettings, group: str, where: list[TopicPartition], request: Callable[..., Any]
) -> list[Any]:
    name = group_name(settings, group)
    answers = request(
        [ConsumerGroupTopicPartitions(name, where)], request_timeout=settings.request_timeout_ms / 1000
    )
    try:
        return list(answers[name].result().topic_partitions or [])
    except KafkaException as error:
        raise explain(error, f"ask for or set the offsets of group {group}") from error
