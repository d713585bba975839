"""What producers and consumers promise: run on the in-memory twin and on a real Kafka."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import pytest

from ingest.admin import end_offsets
from ingest.consumer import Consumer, read_all
from ingest.errors import RefuseInputError, RefuseSettingsError
from ingest.memory import Bus, MemoryConsumer, MemoryProducer
from ingest.ports import Record
from ingest.producer import Producer
from ingest.reading import read_since
from ingest.settings import KafkaSettings, TopicName, TopicSettings
from ingest.topics import ensure_topics

AnyConsumer = Consumer | MemoryConsumer
OVERRIDES: dict[TopicName, TopicSettings] = {"readings": TopicSettings(partitions=4)}


@dataclass
class Edge:
    """One implementation of both ports."""

    prefix: str
    producer: Callable[[], Producer | MemoryProducer]
    open_consumer: Callable[[str, Sequence[TopicName]], AnyConsumer]
    read_all: Callable[[TopicName], Iterator[Record]]
    read_since: Callable[[TopicName, int], Iterator[Record]]
    ends: Callable[[TopicName], dict[int, int]]
    opened: ExitStack

    def consumer(self, group: str = "g", topics: Sequence[TopicName] = ("readings",)) -> AnyConsumer:
        return self.opened.enter_context(self.open_consumer(group, topics))

    def write(self, *records: tuple[str, bytes], topic: TopicName = "readings") -> None:
        with self.producer() as producer:
            for key, value in records:
                producer.send(topic, key, value)


@pytest.fixture(params=["twin", pytest.param("kafka", marks=pytest.mark.kafka)])
def edge(request: pytest.FixtureRequest) -> Iterator[Edge]:
    with ExitStack() as opened:
        if request.param == "twin":
            bus = Bus(KafkaSettings(bootstrap_servers="none:1", prefix="p-", topics=OVERRIDES), lambda: 1_234)
            yield Edge(
                "p-", bus.producer, bus.consumer, bus.read_all, bus.read_since, bus.end_offsets, opened
            )
        else:
            base: KafkaSettings = request.getfixturevalue("kafka_settings")
            settings = base.model_copy(update={"topics": OVERRIDES})
            ensure_topics(settings)
            yield Edge(
                settings.prefix,
                partial(Producer, settings),
                partial(Consumer, settings),
                partial(read_all, settings),
                partial(read_since, settings),
                partial(end_offsets, settings),
                opened,
            )


def take(consumer: AnyConsumer, count: int) -> list[Record]:
    records: list[Record] = []
    for _ in range(60):
        records += consumer.poll(count - len(records), 0.5)
        if len(records) >= count:
            return records
    pytest.fail(f"{len(records)} of {count} records came")


def settle(*consumers: AnyConsumer) -> None:
    """Poll until each member has been dealt its partitions."""
    for _ in range(60):
        for consumer in consumers:
            assert consumer.poll(1, 0.1) == []
        if all(isinstance(c, MemoryConsumer) or c._client.assignment() for c in consumers):
            return
    pytest.fail("the group does not settle")


def test_a_record_comes_back_as_it_was_sent(edge: Edge) -> None:
    with edge.producer() as producer:
        producer.send("readings", "m1", b"v", headers=[("traceparent", b"00-1")], timestamp_ms=77)
    (record,) = take(edge.consumer(), 1)
    assert record.topic == edge.prefix + "readings"
    assert (record.key, record.value, record.offset, record.timestamp_ms) == (b"m1", b"v", 0, 77)
    assert record.headers == (("traceparent", b"00-1"),)
    assert record.position == f"{edge.prefix}readings/{record.partition}/0"


def test_the_broker_stamps_topics_of_results(edge: Edge) -> None:
    with edge.producer() as producer:
        producer.send("acks", "k", b"v", timestamp_ms=77)
    (record,) = edge.read_all("acks")
    assert record.timestamp_ms > 77


def test_acknowledgements_tell_partition_and_offset(edge: Edge) -> None:
    acks: list[tuple[int, int]] = []
    with edge.producer() as producer:
        for _ in range(3):
            producer.send(
                "readings", "k", b"v", on_ack=lambda partition, offset: acks.append((partition, offset))
            )
        producer.flush()
        assert [offset for _, offset in acks] == [0, 1, 2]
    assert {partition for partition, _ in acks} == {r.partition for r in edge.read_all("readings")}


def test_settling_waits_for_what_it_is_asked_for_or_until_nothing_is_left_to_come(edge: Edge) -> None:
    acks: list[str] = []
    with edge.producer() as producer:
        producer.send("readings", "k", b"v", on_ack=lambda *_: acks.append("first"))
        producer.settle(lambda: acks == ["first"])
        assert acks == ["first"]
        producer.send("readings", "k", b"w", on_ack=lambda *_: acks.append("second"))
        producer.settle(lambda: False)
        assert acks == ["first", "second"]


def test_one_key_stays_in_one_partition_in_order(edge: Edge) -> None:
    edge.write(*((f"k{n % 7}", b"%d" % n) for n in range(70)))
    records = take(edge.consumer(), 70)
    for key in {record.key for record in records}:
        ours = [record for record in records if record.key == key]
        assert len({record.partition for record in ours}) == 1
        assert [int(record.value) for record in ours] == sorted(int(record.value) for record in ours)
    assert len({record.partition for record in records}) > 1


def test_nothing_is_committed_by_reading(edge: Edge) -> None:
    edge.write(("k", b"1"), ("k", b"2"))
    first = edge.consumer()
    assert len(take(first, 2)) == 2
    assert first.lag() == 2
    first.close()
    assert [record.value for record in take(edge.consumer(), 2)] == [b"1", b"2"]


def test_a_commit_covers_these_records_and_no_later_ones(edge: Edge) -> None:
    edge.write(("k", b"1"), ("k", b"2"), ("k", b"3"))
    first = edge.consumer()
    records = take(first, 3)
    first.commit(records[:2])
    assert first.lag() == 1
    first.close()
    assert [record.value for record in take(edge.consumer(), 1)] == [b"3"]


def test_groups_do_not_disturb_each_other(edge: Edge) -> None:
    edge.write(("k", b"1"))
    one = edge.consumer("one")
    one.commit(take(one, 1))
    assert one.lag() == 0
    assert len(take(edge.consumer("two"), 1)) == 1


def test_poll_keeps_to_its_maximum_and_its_time(edge: Edge) -> None:
    edge.write(*(("k", b"%d" % n) for n in range(10)))
    consumer = edge.consumer()
    assert len(take(consumer, 3)) == 3
    assert len(take(consumer, 7)) == 7
    assert consumer.poll(5, 0.01) == []


def test_two_members_share_the_partitions(edge: Edge) -> None:
    one, two = edge.consumer(), edge.consumer()
    settle(one, two)
    edge.write(*((f"k{n}", b"%d" % n) for n in range(40)))
    records: dict[int, list[Record]] = {1: [], 2: []}
    for _ in range(60):
        records[1] += one.poll(100, 0.1)
        records[2] += two.poll(100, 0.1)
        if len(records[1]) + len(records[2]) >= 40:
            break
    assert sorted(int(r.value) for r in records[1] + records[2]) == list(range(40))
    assert {r.partition for r in records[1]}.isdisjoint({r.partition for r in records[2]})
    assert records[1]
    assert records[2]


def test_what_a_leaving_member_did_not_commit_goes_to_the_others(edge: Edge) -> None:
    one, two = edge.consumer(), edge.consumer()
    settle(one, two)
    edge.write(*((f"k{n}", b"%d" % n) for n in range(40)))
    held = take(one, 1)
    one.close()
    records = take(two, 40)
    assert held[0].value in {record.value for record in records}


def test_reading_all_ends_at_the_ends_of_its_beginning(edge: Edge) -> None:
    edge.write(*((f"k{n}", b"%d" % n) for n in range(30)))
    reading = edge.read_all("readings")
    first = next(reading)
    edge.write(("k", b"late"))
    values = [first.value, *(record.value for record in reading)]
    assert sorted(values) == sorted(b"%d" % n for n in range(30))
    assert sum(edge.ends("readings").values()) == 31


def test_reading_all_of_an_empty_topic_ends(edge: Edge) -> None:
    assert list(edge.read_all("alerts")) == []


def test_a_value_too_large_for_kafka_is_refused(edge: Edge) -> None:
    with edge.producer() as producer:
        with pytest.raises(RefuseInputError, match="5000000 bytes"):
            producer.send("readings", "k", bytes(5_000_000))
        producer.send("readings", "k", b"fits")
    assert [record.value for record in edge.read_all("readings")] == [b"fits"]


def test_an_unknown_topic_is_refused(edge: Edge) -> None:
    with edge.producer() as producer, pytest.raises(RefuseSettingsError, match="without the prefix"):
        producer.send("nonsense", "k", b"v")  # type: ignore[arg-type]
    with pytest.raises(RefuseSettingsError, match="nonsense"):
        edge.consumer(topics=["nonsense"])  # type: ignore[list-item]


def test_reading_since_a_time_begins_with_the_first_record_of_it(edge: Edge) -> None:
    with edge.producer() as producer:
        for at in (1_000, 2_000, 3_000):
            for key in ("a", "b", "c", "d", "e"):
                producer.send("readings", key, b"%d" % at, timestamp_ms=at)
    times = sorted(record.timestamp_ms for record in edge.read_since("readings", 2_000))
    assert times == [2_000] * 5 + [3_000] * 5
    assert list(edge.read_since("readings", 3_001)) == []
