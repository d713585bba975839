"""The catalogue of topics: their names and what each is like, as the settings want it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, Literal, get_args

from ingest.errors import RefuseSettingsError
from ingest.settings import KafkaSettings, TopicName
from models.events import Event

HOURS_PER_WEEK: Final = 168.0


@dataclass(frozen=True)
class Topic:
    """What one topic is like.

    Attributes
    ----------
    retention_hours
        Hours since a record was written; None keeps it forever.
    timestamps
        Who sets a record's Kafka timestamp: the producer or the broker.
    """

    partitions: int
    timestamps: Literal["CreateTime", "LogAppendTime"]
    retention_hours: float | None = HOURS_PER_WEEK


TOPICS: Final[Mapping[TopicName, Topic]] = MappingProxyType(
    {
        "transactions": Topic(1, "CreateTime"),
        "labels": Topic(1, "CreateTime"),
        "readings": Topic(1, "CreateTime"),
        "features": Topic(2, "LogAppendTime", retention_hours=24.0),
        "scores": Topic(4, "LogAppendTime"),
        "alerts": Topic(4, "LogAppendTime"),
        "alarms": Topic(4, "LogAppendTime"),
        "commands": Topic(2, "LogAppendTime"),
        "acks": Topic(2, "LogAppendTime"),
        "operations": Topic(2, "LogAppendTime"),
        "dead-letters": Topic(1, "LogAppendTime", retention_hours=4 * HOURS_PER_WEEK),
    }
)
"""Every topic with its defaults."""

assert set(TOPICS) == set(get_args(TopicName))


def topic_name(settings: KafkaSettings, topic: TopicName) -> str:
    """Return the topic's name in Kafka; `RefuseSettingsError` when this application has no such topic."""
    if topic not in TOPICS:
        raise RefuseSettingsError(
            f"there is no topic {topic!r}: name one of {', '.join(TOPICS)}, without the prefix"
        )
    return settings.prefix + topic


def source_topic(event_type: type[Event]) -> TopicName:
    """Return the topic that carries an event type."""
    topic: TopicName = event_type.topic  # type: ignore[assignment] # a test holds them to TopicName
    return topic


def group_name(settings: KafkaSettings, group: str) -> str:
    """Return the consumer group's name in Kafka."""
    return settings.prefix + group


def wanted(settings: KafkaSettings) -> dict[TopicName, Topic]:
    """Return every topic as the settings want it."""
    return {name: _overridden(topic, settings, name) for name, topic in TOPICS.items()}


def _overridden(topic: Topic, settings: KafkaSettings, name: TopicName) -> Topic:
    own = settings.topics.get(name)
    if own is None:
        return topic
    hours = own.retention_hours
    return replace(
        topic,
        partitions=own.partitions or topic.partitions,
        retention_hours=None if hours == "forever" else hours or topic.retention_hours,
    )


def config_of(topic: Topic, settings: KafkaSettings) -> dict[str, str]:
    """Return the topic's configuration in Kafka's words."""
    hours = topic.retention_hours
    return {
        "cleanup.policy": "delete",
        "message.timestamp.type": topic.timestamps,
        "min.insync.replicas": str(settings.min_insync_replicas),
        "retention.ms": "-1" if hours is None else str(round(hours * 3_600_000)),
    }
