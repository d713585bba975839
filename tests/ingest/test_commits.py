"""A commit that the group's broker does not take yet is made up for by the next poll; any other is told at once."""

from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from ingest.consumer import Consumer
from ingest.errors import RetryLaterError
from ingest.group_offsets import committed
from ingest.producer import Producer
from ingest.settings import KafkaSettings
from ingest.topics import ensure_topics

pytestmark = pytest.mark.kafka


class Refusing:
    """The client, but the group's broker refuses its next commit: a real one does so for a moment after its start."""

    def __init__(self, client: Any, code: int) -> None:
        self._client, self._codes = client, [code]

    def commit(self, **given: Any) -> Any:
        if self._codes:
            raise KafkaException(KafkaError(self._codes.pop()))
        return self._client.commit(**given)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


@pytest.fixture
def kafka(kafka_bootstrap: str, topic_prefix: str) -> KafkaSettings:
    settings = KafkaSettings(bootstrap_servers=kafka_bootstrap, prefix=topic_prefix)
    ensure_topics(settings)
    with Producer(settings) as producer:
        producer.send("readings", "m", b"0")
    return settings


@pytest.mark.parametrize("code", ["COORDINATOR_LOAD_IN_PROGRESS", "NOT_COORDINATOR", "REBALANCE_IN_PROGRESS"])
def test_a_commit_that_comes_too_early_is_made_up_for(
    kafka: KafkaSettings, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Consumer(kafka, "g", ["readings"]) as consumer:
        while not (records := consumer.poll(1, 0.5)):
            pass
        monkeypatch.setattr(consumer, "_client", Refusing(consumer._client, getattr(KafkaError, code)))
        consumer.commit(records)
        assert committed(kafka, "g", "readings") == {}
        consumer.poll(1, 0)
        assert committed(kafka, "g", "readings") == {0: 1}


def test_a_commit_that_is_refused_for_good_is_an_error(
    kafka: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Consumer(kafka, "g", ["readings"]) as consumer:
        while not (records := consumer.poll(1, 0.5)):
            pass
        monkeypatch.setattr(
            consumer, "_client", Refusing(consumer._client, KafkaError.OFFSET_METADATA_TOO_LARGE)
        )
        with pytest.raises(RetryLaterError, match="commit offsets"):
            consumer.commit(records)
