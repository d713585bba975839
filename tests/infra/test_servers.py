"""The fixtures hand out servers that take what the pipeline gives them."""

import pytest
from cassandra.cluster import Session
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic


@pytest.mark.kafka
def test_kafka_keeps_a_record_and_a_group_offset(kafka_bootstrap: str, topic_prefix: str) -> None:
    topic = f"{topic_prefix}greetings"
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(20)
    producer = Producer({"bootstrap.servers": kafka_bootstrap, "enable.idempotence": True})
    producer.produce(topic, b"hello", key=b"k")
    assert producer.flush(20) == 0

    consumer = Consumer(
        {
            "bootstrap.servers": kafka_bootstrap,
            "group.id": f"{topic_prefix}g",
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe([topic])
    (message,) = consumer.consume(1, 20)
    (committed,) = consumer.commit(message, asynchronous=False)
    consumer.close()

    assert (message.key(), message.value(), committed.offset) == (b"k", b"hello", 1)


@pytest.mark.kafka
def test_kafka_creates_no_topic_by_itself(kafka_bootstrap: str, topic_prefix: str) -> None:
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap, "allow.auto.create.topics": True})
    assert f"{topic_prefix}typo" not in admin.list_topics(timeout=10).topics
    admin.list_topics(topic=f"{topic_prefix}typo", timeout=10)
    assert f"{topic_prefix}typo" not in admin.list_topics(timeout=10).topics


@pytest.mark.cassandra
def test_cassandra_takes_a_conditional_batch(cassandra_session: Session, keyspace: str) -> None:
    cassandra_session.execute(
        f"CREATE KEYSPACE {keyspace} WITH replication = {{'class': 'NetworkTopologyStrategy', 'datacenter1': 1}}"
    )
    cassandra_session.execute(f"CREATE TABLE {keyspace}.t (k int, c int, v int static, PRIMARY KEY (k, c))")
    batch = (
        "BEGIN BATCH "  # noqa: S608 - the name is ours
        f"UPDATE {keyspace}.t SET v = 1 WHERE k = 1 IF v = null; "
        f"INSERT INTO {keyspace}.t (k, c) VALUES (1, 7); "
        "APPLY BATCH"
    )
    assert cassandra_session.execute(batch).one().applied
    assert not cassandra_session.execute(batch).one().applied
