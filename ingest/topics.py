"""Brings the cluster's topics in line with the settings: creates, adds partitions, alters; never shrinks."""

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import structlog
from confluent_kafka import KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, but its stubs export nothing
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
)

from ingest.admin import admin_client, describe_topics, wait_for_topics
from ingest.catalog import TOPICS, Topic, config_of, topic_name, wanted
from ingest.client import explain
from ingest.errors import RefuseSettingsError
from ingest.settings import KafkaSettings

__all__ = ["TOPICS", "ensure_topics", "topic_name"]

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Found:
    """What one topic is like in the cluster."""

    partitions: int
    replication_factor: int
    config: Mapping[str, str]


@dataclass(frozen=True)
class Plan:
    """What has to change for one topic (`create`, `partitions` to raise to, `config` to set)."""

    create: bool = False
    partitions: int | None = None
    config: Mapping[str, str] | None = None


def plan(name: str, topic: Topic, settings: KafkaSettings, found: Found | None) -> Plan:
    """Decide what brings one topic in line.

    Raises
    ------
    RefuseSettingsError
        When the settings ask for fewer partitions than there are, or for more replicas.
    """
    if found is None:
        return Plan(create=True, partitions=topic.partitions, config=config_of(topic, settings))
    if topic.partitions < found.partitions:
        raise RefuseSettingsError(
            f"topic {name} has {found.partitions} partitions and the settings ask for {topic.partitions}: "
            f"partitions can't be taken away; set partitions to {found.partitions} or use another prefix"
        )
    if settings.replication_factor > found.replication_factor:
        raise RefuseSettingsError(
            f"topic {name} has {found.replication_factor} replicas and the settings ask for "
            f"{settings.replication_factor}: reassign its partitions first, or use another prefix"
        )
    changed = {k: v for k, v in config_of(topic, settings).items() if found.config.get(k) != v}
    more = topic.partitions if topic.partitions > found.partitions else None
    return Plan(partitions=more, config=changed or None)


def ensure_topics(settings: KafkaSettings) -> list[str]:
    """Create missing topics and bring the others in line; safe to repeat.

    Returns
    -------
    list of str
        The created topics, by their names in Kafka.

    Raises
    ------
    RefuseSettingsError
        When a topic would have to shrink or the cluster can't hold what the settings ask for; nothing
        was changed then.
    RetryLaterError
        When Kafka did not answer in time.
    """
    with admin_client(settings) as client:
        topics = {topic_name(settings, name): topic for name, topic in wanted(settings).items()}
        there = _found(client, settings, list(topics))
        plans = {name: plan(name, topic, settings, there.get(name)) for name, topic in topics.items()}
        created = [name for name, change in plans.items() if change.create]
        _create(client, settings, {name: plans[name] for name in created})
        for name, change in plans.items():
            if name not in created:
                _alter(client, settings, name, change)
        wait_for_topics(client, settings, {name: topics[name].partitions for name in topics})
    return created


def _found(client: AdminClient, settings: KafkaSettings, names: list[str]) -> dict[str, Found]:
    shapes = describe_topics(client, settings, names)
    if not shapes:
        return {}
    resources = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in shapes]
    answers = client.describe_configs(resources, request_timeout=settings.request_timeout_ms / 1000)
    configs = {
        resource.name: _result(future, f"read the configuration of {resource.name}")
        for resource, future in answers.items()
    }
    return {
        name: Found(partitions, replicas, {key: entry.value for key, entry in configs[name].items()})
        for name, (partitions, replicas) in shapes.items()
    }


def _create(client: AdminClient, settings: KafkaSettings, plans: Mapping[str, Plan]) -> None:
    if not plans:
        return
    new = [
        NewTopic(name, change.partitions or 1, settings.replication_factor, config=dict(change.config or {}))
        for name, change in plans.items()
    ]
    for name, future in client.create_topics(
        new, operation_timeout=settings.request_timeout_ms / 1000
    ).items():
        _result(future, f"create topic {name}")
        log.info("topic created", topic=name, partitions=plans[name].partitions)


def _alter(client: AdminClient, settings: KafkaSettings, name: str, change: Plan) -> None:
    timeout = settings.request_timeout_ms / 1000
    if change.partitions is not None:
        raised = client.create_partitions([NewPartitions(name, change.partitions)], operation_timeout=timeout)
        _result(raised[name], f"raise the partitions of {name} to {change.partitions}")
        log.warning("partitions raised; keys may have moved", topic=name, partitions=change.partitions)
    if change.config is not None:
        entries = [
            ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
            for key, value in change.config.items()
        ]
        resource = ConfigResource(ConfigResource.Type.TOPIC, name, incremental_configs=entries)
        for future in client.incremental_alter_configs([resource], request_timeout=timeout).values():
            _result(future, f"alter topic {name}")
        log.info("topic altered", topic=name, config=dict(change.config))


def _result(future: "Future[Any]", doing: str) -> Any:
    try:
        return future.result()
    except KafkaException as error:
        raise explain(error, doing) from error
