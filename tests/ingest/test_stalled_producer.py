"""A producer whose client is answered nothing although Kafka is well goes on with a new one; what waited is dropped."""

import time
from collections.abc import Callable

import confluent_kafka
import pytest

from ingest.consumer import read_all
from ingest.errors import RetryLaterError
from ingest.producer import Producer
from ingest.settings import KafkaSettings
from ingest.topics import ensure_topics

pytestmark = pytest.mark.kafka

PATIENCE_S = 60.0


@pytest.fixture
def kafka(kafka_settings: KafkaSettings) -> KafkaSettings:
    ensure_topics(kafka_settings)
    return kafka_settings


def send_on(producer: Producer) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        producer.send("alerts", "k", b"dropped too")
        time.sleep(0.01)


def cut_off() -> confluent_kafka.Producer:
    """Return a client that nobody answers."""
    return confluent_kafka.Producer({"bootstrap.servers": "127.0.0.1:9", "log_level": 0})


def settle(producer: Producer) -> None:
    producer.settle(lambda: False)


@pytest.mark.parametrize("then", [Producer.flush, settle, send_on])
def test_what_is_not_acknowledged_by_a_kafka_that_is_well_is_dropped_and_sent_again_by_a_new_client(
    kafka: KafkaSettings, then: Callable[[Producer], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    acked: list[str] = []
    with Producer(kafka, stall_s=1.0) as producer:
        monkeypatch.setattr(producer, "_client", cut_off())
        producer.send("alerts", "k", b"dropped", on_ack=lambda *_: acked.append("dropped"))
        with pytest.raises(RetryLaterError, match="although Kafka is there: they are dropped"):
            then(producer)
        producer.send("alerts", "k", b"again", on_ack=lambda *_: acked.append("again"))
        producer.flush()
    assert acked == ["again"]
    assert [record.value for record in read_all(kafka, "alerts")] == [b"again"]


def test_while_kafka_is_away_its_records_are_kept() -> None:
    away = Producer(KafkaSettings(bootstrap_servers="127.0.0.1:9", delivery_timeout_ms=1_500), stall_s=0.01)
    away.send("alerts", "k", b"kept")
    with pytest.raises(RetryLaterError, match=r"is Kafka there\?|Message timed out"):
        away.flush()


def test_a_producer_that_had_nothing_to_send_for_long_is_none_that_stalled(
    kafka: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    with Producer(kafka, stall_s=3) as producer:
        producer.send("alerts", "k", b"x")
        producer.flush()
        time.sleep(3.2)
        monkeypatch.setattr("ingest.producer.all_in_sync", lambda servers: asked.append(servers) or True)
        producer.send("alerts", "k", b"x")
        assert asked == []
        producer.flush()
