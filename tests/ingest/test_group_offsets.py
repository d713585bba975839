"""A group that is taken back to where it was, on a real Kafka."""

import subprocess
import sys

import pytest

from ingest.admin import admin_client, group_members
from ingest.consumer import Consumer
from ingest.errors import RetryLaterError
from ingest.group_offsets import committed, committed_of_all, rewind, rewind_all
from ingest.producer import Producer
from ingest.settings import KafkaSettings
from ingest.topics import ensure_topics, topic_name

IN_A_HURRY = """
import sys, threading
from ingest.admin import group_members
from ingest.errors import RetryLaterError
from ingest.group_offsets import committed
from ingest.settings import KafkaSettings
settings = KafkaSettings(bootstrap_servers=sys.argv[1], prefix=sys.argv[2], request_timeout_ms=20)
def ask():
    for _ in range(25):
        for question in (lambda: committed(settings, "g", "readings"), lambda: group_members(settings, "g")):
            try:
                question()
            except RetryLaterError:
                pass
threads = [threading.Thread(target=ask) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


@pytest.mark.kafka
def test_answers_that_come_too_late_do_no_harm(kafka_bootstrap: str, topic_prefix: str) -> None:
    ensure_topics(KafkaSettings(bootstrap_servers=kafka_bootstrap, prefix=topic_prefix))
    done = subprocess.run(
        [sys.executable, "-c", IN_A_HURRY, kafka_bootstrap, topic_prefix], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.kafka
def test_a_group_is_taken_back_and_never_forward(kafka_bootstrap: str, topic_prefix: str) -> None:
    settings = KafkaSettings(bootstrap_servers=kafka_bootstrap, prefix=topic_prefix)
    ensure_topics(settings)
    assert committed(settings, "g", "readings") == {}
    assert rewind(settings, "g", "readings", {0: 5}) == {}
    with Producer(settings) as producer:
        for n in range(10):
            producer.send("readings", "m", b"%d" % n)
    with Consumer(settings, "g", ["readings"]) as consumer:
        records = []
        while len(records) < 10:
            records += consumer.poll(10, 0.5)
        consumer.commit(records)
        assert group_members(settings, "g") == 1
        with pytest.raises(RetryLaterError, match="set the offsets of group"):
            rewind_all(settings, "g")
    assert group_members(settings, "g") == 0
    assert committed(settings, "g", "readings") == {0: 10}
    assert rewind(settings, "g", "readings", {0: 99}) == {0: 10}
    assert rewind(settings, "g", "readings", {0: 4}) == committed(settings, "g", "readings") == {0: 4}
    assert committed_of_all(settings, "g") == {(topic_name(settings, "readings"), 0): 4}
    assert rewind_all(settings, "g") == 1
    assert committed(settings, "g", "readings") == {0: 0}
    assert rewind_all(settings, "nobody") == 0


def test_a_client_for_questions_is_closed_by_who_asked() -> None:
    with admin_client(KafkaSettings(bootstrap_servers="127.0.0.1:1")) as client:
        client.poll(0)
    with pytest.raises(RuntimeError, match="closed"):
        client.poll(0)
