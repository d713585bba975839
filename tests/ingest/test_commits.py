"""What a consumer makes of a client that misbehaves: commits refused or never answered, records that wait unread."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from ingest.consumer import Consumer
from ingest.errors import RetryLaterError, StopProcessError
from ingest.group_offsets import committed
from ingest.producer import Producer
from ingest.settings import KafkaSettings
from ingest.stall import Stall
from ingest.topics import ensure_topics

pytestmark = pytest.mark.kafka


class Misbehaving:
    """The real client, but for some methods: the moments at which it misbehaves can't be brought about at will."""

    def __init__(self, client: Any, **instead: Callable[..., Any]) -> None:
        self._client, self._instead = client, instead

    def __getattr__(self, name: str) -> Any:
        return self._instead.get(name) or getattr(self._client, name)


def refusing(client: Any, code: int) -> Misbehaving:
    """Return the client whose next commit is refused by the group's broker."""
    codes = [code]

    def commit(**given: Any) -> Any:
        if codes:
            raise KafkaException(KafkaError(codes.pop()))
        return client.commit(**given)

    return Misbehaving(client, commit=commit)


def poll_on(consumer: Consumer) -> None:
    while True:
        consumer.poll(1, 0.1)


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
        monkeypatch.setattr(consumer, "_client", refusing(consumer._client, getattr(KafkaError, code)))
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
            consumer, "_client", refusing(consumer._client, KafkaError.OFFSET_METADATA_TOO_LARGE)
        )
        with pytest.raises(RetryLaterError, match="commit offsets"):
            consumer.commit(records)


def test_a_commit_that_is_never_answered_is_given_up(
    kafka: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    never = threading.Event()
    with Consumer(kafka, "g", ["readings"]) as consumer:
        while not (records := consumer.poll(1, 0.5)):
            pass
        monkeypatch.setattr(consumer, "_timeout_s", 0.1)
        monkeypatch.setattr(
            consumer, "_client", Misbehaving(consumer._client, commit=lambda **_: never.wait())
        )
        with pytest.raises(StopProcessError, match=r"no answer within 0.1 s; start a new consumer"):
            consumer.commit(records)
        never.set()


def test_a_client_that_reads_nothing_while_records_wait_is_given_up(
    kafka: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Consumer(kafka, "g", ["readings"], stall_s=0.05) as consumer:
        while not consumer.poll(1, 0.5):
            pass
        for _ in range(4):
            assert consumer.poll(1, 0.1) == []
        with Producer(kafka) as producer:
            producer.send("readings", "m", b"1")
        monkeypatch.setattr(consumer, "_client", Misbehaving(consumer._client, consume=lambda *_: []))
        with pytest.raises(
            StopProcessError, match=r"records wait and none came for 0.1 s; start a new consumer"
        ):
            poll_on(consumer)


@pytest.mark.parametrize("forgotten", [True, False])
def test_a_member_without_partitions_is_given_up_if_its_group_has_forgotten_it_while_records_wait(
    kafka: KafkaSettings, monkeypatch: pytest.MonkeyPatch, *, forgotten: bool
) -> None:
    with Consumer(kafka, "g", ["readings"], stall_s=0.05) as consumer:
        while not consumer.poll(1, 0.5):
            pass
        name = "nobody" if forgotten else consumer._client.memberid()
        left_out = Misbehaving(
            consumer._client, consume=lambda *_: [], assignment=list, memberid=lambda: name
        )
        monkeypatch.setattr(consumer, "_client", left_out)
        if forgotten:
            with pytest.raises(StopProcessError, match="start a new consumer"):
                poll_on(consumer)
        for _ in range(0 if forgotten else 6):
            assert consumer.poll(1, 0.1) == []


def test_a_client_that_answers_nothing_any_more_is_given_up(
    kafka: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_answer(*_: object, **__: object) -> None:
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT))

    with Consumer(kafka, "g", ["readings"], stall_s=0.05) as consumer:
        while not consumer.poll(1, 0.5):
            pass
        with Producer(kafka) as producer:
            producer.send("readings", "m", b"1")
        silent = Misbehaving(
            consumer._client, consume=lambda *_: [], get_watermark_offsets=no_answer, committed=no_answer
        )
        monkeypatch.setattr(consumer, "_client", silent)
        with pytest.raises(StopProcessError, match="start a new consumer"):
            poll_on(consumer)


def test_two_looks_in_a_row_show_a_stall() -> None:
    stall = Stall(10.0)
    assert not stall.is_due(100.0)
    assert not stall.is_due(109.0)
    assert stall.is_due(110.0)
    assert not stall.looked(110.0, waiting=True)
    assert not stall.is_due(111.0)
    assert stall.is_due(120.0)
    assert not stall.looked(120.0, waiting=False)
    assert not stall.looked(130.0, waiting=True)
    stall.heard(131.0)
    assert not stall.is_due(140.0)
    assert not stall.looked(141.0, waiting=True)
    assert stall.looked(151.0, waiting=True)
