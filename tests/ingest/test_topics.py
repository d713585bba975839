import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ingest.admin import broker_count, end_offsets, group_lag
from ingest.catalog import Topic, config_of, topic_name, wanted
from ingest.consumer import Consumer, read_all
from ingest.errors import RefuseSettingsError, RetryLaterError
from ingest.producer import Producer
from ingest.settings import KafkaSettings, TopicSettings
from ingest.topics import TOPICS, Found, Plan, ensure_topics, plan

SETTINGS = KafkaSettings(bootstrap_servers="none:1", prefix="p-")
NOBODY = "127.0.0.1:9"


def found(topic: Topic, **config: str) -> Found:
    return Found(topic.partitions, 1, config_of(topic, SETTINGS) | config)


def test_results_are_stamped_by_the_broker() -> None:
    stamped = {name for name, topic in TOPICS.items() if topic.timestamps == "LogAppendTime"}
    assert stamped == {
        "features",
        "scores",
        "alerts",
        "alarms",
        "commands",
        "acks",
        "operations",
        "dead-letters",
    }


def test_settings_override_single_fields_of_a_topic() -> None:
    settings = SETTINGS.model_copy(
        update={
            "topics": {
                "acks": TopicSettings(partitions=9),
                "labels": TopicSettings(retention_hours="forever"),
            }
        }
    )
    topics = wanted(settings)
    assert (topics["acks"].partitions, topics["acks"].retention_hours) == (9, 168)
    assert (topics["labels"].partitions, config_of(topics["labels"], settings)["retention.ms"]) == (1, "-1")


@pytest.mark.parametrize(
    "wrong",
    [
        {"min_insync_replicas": 2},
        {"linger": 5},
        {"prefix": "no spaces"},
        {"topics": {"transactionz": {}}},
        {"topics": {"labels": {"partition": 3}}},
        {"topics": {"labels": {"partitions": 0}}},
        {"max_poll_interval_ms": 6_000},
    ],
)
def test_contradictory_and_unknown_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        KafkaSettings.model_validate({"bootstrap_servers": "b:1", **wrong})


def test_a_missing_topic_is_created() -> None:
    change = plan("p-acks", TOPICS["acks"], SETTINGS, None)
    assert change.create
    assert change.config == config_of(TOPICS["acks"], SETTINGS)


@given(st.sampled_from(list(TOPICS.values())))
def test_a_topic_in_line_is_left_alone(topic: Topic) -> None:
    assert plan("t", topic, SETTINGS, found(topic)) == Plan()


@given(now=st.integers(1, 50), then=st.integers(1, 50))
def test_partitions_are_raised_and_never_taken_away(now: int, then: int) -> None:
    there, topic = Found(now, 1, {}), Topic(then, "CreateTime")
    if then < now:
        with pytest.raises(RefuseSettingsError, match=f"has {now} partitions"):
            plan("t", topic, SETTINGS, there)
    else:
        assert plan("t", topic, SETTINGS, there).partitions == (then if then > now else None)


def test_only_what_differs_is_altered() -> None:
    change = plan("t", TOPICS["acks"], SETTINGS, found(TOPICS["acks"], **{"retention.ms": "5"}))
    assert change.config == {"retention.ms": str(168 * 3_600_000)}


def test_more_replicas_than_there_are_are_refused() -> None:
    settings = SETTINGS.model_copy(update={"replication_factor": 3})
    with pytest.raises(RefuseSettingsError, match="has 1 replicas"):
        plan("t", TOPICS["acks"], settings, found(TOPICS["acks"]))


@pytest.mark.kafka
def test_topics_are_created_once_and_brought_in_line(kafka_settings: KafkaSettings) -> None:
    created = ensure_topics(kafka_settings)
    assert created == [kafka_settings.prefix + name for name in TOPICS]
    assert ensure_topics(kafka_settings) == []
    more = kafka_settings.model_copy(
        update={"topics": {"acks": TopicSettings(partitions=3, retention_hours=1)}}
    )
    assert ensure_topics(more) == []
    assert len(end_offsets(more, "acks")) == 3
    with pytest.raises(RefuseSettingsError, match="set partitions to 3"):
        ensure_topics(kafka_settings)
    assert ensure_topics(more) == []


@pytest.mark.kafka
def test_more_replicas_than_brokers_are_refused(kafka_settings: KafkaSettings) -> None:
    with pytest.raises(RefuseSettingsError, match="start more brokers"):
        ensure_topics(kafka_settings.model_copy(update={"replication_factor": 9}))


@pytest.mark.kafka
def test_the_lag_of_a_group_is_what_it_has_not_committed(kafka_settings: KafkaSettings) -> None:
    ensure_topics(kafka_settings)
    with Producer(kafka_settings) as producer:
        for number in range(5):
            producer.send("labels", "k", b"%d" % number)
    assert end_offsets(kafka_settings, "labels") == {0: 5}
    assert group_lag(kafka_settings, "g", "labels") == 5
    with Consumer(kafka_settings, "g", ["labels"]) as consumer:
        records = []
        while len(records) < 2:
            records += consumer.poll(2 - len(records), 1.0)
        consumer.commit(records)
    assert group_lag(kafka_settings, "g", "labels") == 3


@pytest.mark.kafka
def test_brokers_that_answer_are_counted(kafka_bootstrap: str) -> None:
    assert broker_count(kafka_bootstrap) >= 1
    assert broker_count(NOBODY, timeout_s=0.3) == 0


@pytest.mark.kafka
def test_missing_topics_say_what_to_do(kafka_settings: KafkaSettings) -> None:
    with pytest.raises(RetryLaterError, match="create the topics first"):
        end_offsets(kafka_settings, "labels")
    with pytest.raises(RetryLaterError, match="create the topics first"):
        list(read_all(kafka_settings, "labels"))
    with (
        Consumer(kafka_settings, "g", ["labels"]) as consumer,
        pytest.raises(RetryLaterError, match="create"),
    ):
        poll_until_it_fails(consumer)


def poll_until_it_fails(consumer: Consumer) -> None:
    for _ in range(60):
        consumer.poll(1, 0.5)


def test_records_that_nobody_takes_fail_the_flush() -> None:
    lost = KafkaSettings(bootstrap_servers=NOBODY, delivery_timeout_ms=300, linger_ms=0)
    producer = Producer(lost)
    producer.send("labels", "k", b"v")
    with pytest.raises(RetryLaterError, match=r"not acknowledged|wait for their acknowledgement"):
        producer.flush()


def test_admin_questions_to_nobody_ask_to_try_later() -> None:
    lost = KafkaSettings(bootstrap_servers=NOBODY, request_timeout_ms=300)
    with pytest.raises(RetryLaterError):
        ensure_topics(lost)
    assert topic_name(lost, "labels") == "labels"
