"""The writer between a real Kafka and a real Cassandra, killed after its write and before its commit."""

import subprocess
import sys
import threading
from collections.abc import Callable

import pytest
from cassandra.cluster import Session

from ingest.admin import group_lag
from ingest.consumer import Consumer
from ingest.producer import Producer
from ingest.settings import KafkaSettings
from ingest.topics import ensure_topics
from models.errors import RejectEventError
from models.rejections import MALFORMED_JSON
from models.scores import Score, encode
from storage.score_store import CassandraScoreStore
from storage.settings import CassandraSettings, WriterSettings
from storage.writer import Record, Writer

pytestmark = [pytest.mark.kafka, pytest.mark.cassandra]

COUNT = 500
DIES_BEFORE_ITS_COMMIT = """
import os, signal, sys, threading
from ingest.consumer import Consumer
from ingest.settings import KafkaSettings
from storage.score_store import CassandraScoreStore
from storage.session import connect
from storage.settings import CassandraSettings, WriterSettings
from storage.writer import Writer

class Dying(Consumer):
    def commit(self, records):
        os.kill(os.getpid(), signal.SIGKILL)

kafka = KafkaSettings.model_validate_json(sys.argv[1])
cassandra = CassandraSettings.model_validate_json(sys.argv[2])
writing = WriterSettings(batch=200)
with connect(cassandra) as session, Dying(kafka, writing.group, ["scores"]) as consumer:
    Writer(consumer, CassandraScoreStore(session, cassandra), print, writing).run(threading.Event())
"""


@pytest.fixture
def kafka(kafka_bootstrap: str, topic_prefix: str) -> KafkaSettings:
    settings = KafkaSettings(bootstrap_servers=kafka_bootstrap, prefix=topic_prefix, session_timeout_ms=6_000)
    ensure_topics(settings)
    return settings


def produce(kafka: KafkaSettings, scores: list[Score], *more: bytes) -> None:
    with Producer(kafka) as producer:
        for score in scores:
            producer.send("scores", score.entity, encode(score))
        for value in more:
            producer.send("scores", "card-1", value)


def drain(
    kafka: KafkaSettings, store: CassandraScoreStore, reject: Callable[[Record, RejectEventError], None]
) -> None:
    """Run a writer until the group has no lag."""
    stop, settings = threading.Event(), WriterSettings()
    with Consumer(kafka, settings.group, ["scores"]) as consumer:
        writer = Writer(consumer, store, reject, settings)
        while group_lag(kafka, settings.group, "scores"):
            writer.step(stop)


def test_a_kill_between_write_and_commit_repeats_rows_and_doubles_none(
    kafka: KafkaSettings, session: Session, settings: CassandraSettings, make_score: Callable[..., Score]
) -> None:
    scores = [make_score(f"e{i}", entity=f"card-{i % 37}", score=i / COUNT) for i in range(COUNT)]
    produce(kafka, scores, b"{")
    died = subprocess.run(
        [sys.executable, "-c", DIES_BEFORE_ITS_COMMIT, kafka.model_dump_json(), settings.model_dump_json()],
        check=False,
        timeout=120,
    )
    store = CassandraScoreStore(session, settings)
    written = dict(store.ids())
    assert died.returncode == -9
    assert 0 < len(written) <= COUNT
    assert group_lag(kafka, "writer", "scores") == COUNT + 1

    rejects: list[str] = []
    drain(kafka, store, lambda _, error: rejects.append(error.reason))
    assert sorted(store.ids()) == sorted((s.event_id, s.model) for s in scores)
    assert rejects == [MALFORMED_JSON]
    assert store.by_event("e123") == [scores[123]]


def test_of_two_scores_of_one_event_the_one_later_in_the_topic_is_kept(
    kafka: KafkaSettings, session: Session, settings: CassandraSettings, make_score: Callable[..., Score]
) -> None:
    early, late = make_score(score=0.9, version="first"), make_score(score=0.2, version="second")
    produce(kafka, [early, late])
    store = CassandraScoreStore(session, settings)

    def no_reject(_: Record, error: RejectEventError) -> None:
        raise error

    drain(kafka, store, no_reject)
    assert store.by_event("e1") == [late]
