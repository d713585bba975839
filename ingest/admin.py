"""Questions to the cluster: how many brokers answer, where topics end, how far groups have come."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from ingest.catalog import group_name, topic_name
from ingest.client import base_config, explain
from ingest.errors import RetryLaterError
from ingest.group_offsets import committed
from ingest.offsets import watermarks
from ingest.settings import KafkaSettings, TopicName

POLL_S = 0.05
"""How long to wait between two looks at the cluster, in seconds."""


class Member(NamedTuple):
    """A consumer in a group: the id that the group gave it, and the one that it gave itself."""

    member_id: str
    client_id: str


@contextmanager
def admin_client(settings: KafkaSettings) -> Iterator[AdminClient]:
    """Give a client for administrative requests; it connects when first asked, and is closed at the end."""
    with AdminClient(base_config(settings)) as client:
        yield client


def broker_count(bootstrap_servers: str, timeout_s: float = 2.0) -> int:
    """Return how many brokers the cluster knows as alive; 0 when nobody answers within `timeout_s` seconds."""
    with admin_client(KafkaSettings(bootstrap_servers=bootstrap_servers)) as client:
        try:
            return len(client.list_topics(timeout=timeout_s).brokers)
        except KafkaException:
            return 0


def all_in_sync(bootstrap_servers: str, timeout_s: float = 2.0) -> bool:
    """Return whether every partition has a leader and all its replicas in sync; False when nobody answers."""
    with admin_client(KafkaSettings(bootstrap_servers=bootstrap_servers)) as client:
        try:
            topics = client.list_topics(timeout=timeout_s).topics
        except KafkaException:
            return False
    partitions = [partition for topic in topics.values() for partition in topic.partitions.values()]
    return all(each.leader >= 0 and len(each.isrs) == len(each.replicas) for each in partitions)


def describe_topics(
    client: AdminClient, settings: KafkaSettings, names: Sequence[str]
) -> dict[str, tuple[int, int]]:
    """Return partitions and replication factor of those topics that exist, by their names in Kafka."""
    topics = _metadata(client, settings)
    shapes = {name: topics[name].partitions for name in names if name in topics and topics[name].partitions}
    return {
        name: (len(shape), min(len(p.replicas) for p in shape.values())) for name, shape in shapes.items()
    }


def wait_for_topics(client: AdminClient, settings: KafkaSettings, partitions: Mapping[str, int]) -> None:
    """Wait until every topic has its partitions and each partition a leader.

    Raises
    ------
    RetryLaterError
        When that takes longer than the request timeout.
    """
    deadline = time.monotonic() + settings.request_timeout_ms / 1000
    while missing := _not_ready(client, settings, partitions):
        if time.monotonic() > deadline:
            raise RetryLaterError(f"topics without leader after {settings.request_timeout_ms} ms: {missing}")
        time.sleep(POLL_S)


def end_offsets(settings: KafkaSettings, topic: TopicName) -> dict[int, int]:
    """Return the offset after the last record, by partition."""
    return {partition: end for partition, (_, end) in watermarks(settings, topic).items()}


def group_lag(settings: KafkaSettings, group: str, topic: TopicName) -> int:
    """Return how many records of the topic the group has not committed; all of them when it never did."""
    bounds, done = watermarks(settings, topic), committed(settings, group, topic)
    return sum(end - max(first, done.get(partition, 0)) for partition, (first, end) in bounds.items())


def group_members(settings: KafkaSettings, group: str) -> int:
    """Return how many consumers a group has now; 0 for a group that never was."""
    return len(members(settings, group))


def members(settings: KafkaSettings, group: str) -> list[Member]:
    """Return the consumers that a group has now; none for a group that never was.

    By the older request: the newer one may end the process, see `group_offsets`.

    Raises
    ------
    RetryLaterError
        When Kafka does not answer.
    """
    name = group_name(settings, group)
    with admin_client(settings) as client:
        try:
            found: list[Any] = client.list_groups(name, timeout=settings.request_timeout_ms / 1000)
        except KafkaException as error:
            raise explain(error, f"ask for the members of group {name}") from error
    for known in found:
        if known.error is not None:
            raise explain(known.error, f"ask for the members of group {name}")
    return [Member(each.id, each.client_id) for known in found for each in known.members]


def leader(settings: KafkaSettings, topic: TopicName, partition: int = 0) -> int:
    """Return the id of the broker that leads a partition; -1 while none does."""
    with admin_client(settings) as client:
        found = _metadata(client, settings)
    return int(found[topic_name(settings, topic)].partitions[partition].leader)


def _metadata(client: AdminClient, settings: KafkaSettings) -> dict[str, Any]:
    try:
        return client.list_topics(timeout=settings.request_timeout_ms / 1000).topics
    except KafkaException as error:
        raise explain(error, f"ask {settings.bootstrap_servers} for its topics") from error


def _not_ready(client: AdminClient, settings: KafkaSettings, partitions: Mapping[str, int]) -> list[str]:
    topics = _metadata(client, settings)
    return [
        name
        for name, count in partitions.items()
        if name not in topics
        or len(topics[name].partitions) < count
        or any(partition.leader < 0 for partition in topics[name].partitions.values())
    ]
