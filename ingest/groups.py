"""What groups have committed, and how an operator sets them back; and which broker leads a partition."""

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition

from ingest.admin import admin_client
from ingest.catalog import group_name, topic_name
from ingest.client import explain
from ingest.settings import KafkaSettings, TopicName

Committed = dict[tuple[str, int], int]
"""Topic (its name in Kafka) and partition -> the next offset."""


def committed(settings: KafkaSettings, group: str) -> Committed:
    """Return what a group has committed, over all its topics."""
    name = group_name(settings, group)
    client = admin_client(settings)
    answers = client.list_consumer_group_offsets(
        [ConsumerGroupTopicPartitions(name)], request_timeout=settings.request_timeout_ms / 1000
    )
    try:
        found = answers[name].result().topic_partitions or []
    except KafkaException as error:
        raise explain(error, f"ask for the offsets of group {name}") from error
    return {(where.topic, where.partition): where.offset for where in found if where.offset >= 0}


def rewind(settings: KafkaSettings, group: str) -> int:
    """Set a group without members back to the beginning of its topics; return how many partitions that were.

    Raises
    ------
    RetryLaterError
        When the group has members, or Kafka does not answer.
    """
    name = group_name(settings, group)
    first = [TopicPartition(topic, partition, 0) for topic, partition in committed(settings, group)]
    if not first:
        return 0
    client = admin_client(settings)
    answers = client.alter_consumer_group_offsets(
        [ConsumerGroupTopicPartitions(name, first)], request_timeout=settings.request_timeout_ms / 1000
    )
    try:
        answers[name].result()
    except KafkaException as error:
        raise explain(error, f"set group {name} back") from error
    return len(first)


def leader(settings: KafkaSettings, topic: TopicName, partition: int = 0) -> int:
    """Return the id of the broker that leads a partition."""
    name = topic_name(settings, topic)
    try:
        found = admin_client(settings).list_topics(name, timeout=settings.request_timeout_ms / 1000)
    except KafkaException as error:
        raise explain(error, f"ask who leads {name}") from error
    return int(found.topics[name].partitions[partition].leader)
