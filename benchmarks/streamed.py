"""Events through a real Kafka and the real-time query, and what the scores topic says of them: for benchmarks of quality."""

import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from infra.embedded import down, up
from infra.embedded.java import java_binary
from infra.embedded.settings import EmbeddedSettings
from infra.jars import resolve
from ingest.admin import broker_count, end_offsets
from ingest.catalog import source_topic, topic_name
from ingest.consumer import read_all
from ingest.producer import Producer
from ingest.settings import KafkaSettings
from ingest.topics import ensure_topics
from models import scores
from models.artifact import Artifact
from models.events import EVENT_TYPES, Event, encode, read_for
from models.service import alone
from processing.progress import Watch
from processing.query import run_query
from processing.settings import ProcessingSettings
from processing.steering import fixed
from processing.topics import Topics
from storage.session import node_count


def streamed(artifact: Artifact, events: Iterable[Event], *, late_hours: int = 24) -> pd.DataFrame:
    """Send events to a Kafka of their own and score them by the real-time query.

    Parameters
    ----------
    artifact
        The model.
    events
        In the order of arrival; all share one watermark.
    late_hours
        How late an event may be against the newest one.

    Returns
    -------
    pandas.DataFrame
        One row per scored event, in the order of the topic: event_id, entity, event_time, model, score, threshold,
        alert, outputs, reasons (feature -> contribution).
    """
    return streamed_by([artifact], events, late_hours=late_hours)


def streamed_by(
    artifacts: Sequence[Artifact], events: Iterable[Event], *, late_hours: int = 24
) -> pd.DataFrame:
    """Score the same events by several models in one session, a row for each of them; see `streamed`."""
    with tempfile.TemporaryDirectory(prefix="fastdata-streamed-") as name, kafka_in(Path(name)) as kafka:
        ensure_topics(kafka)
        send(kafka, events)
        run(kafka, artifacts, Path(name), threading.Event(), late_hours=late_hours)
        return told(kafka)


@contextmanager
def kafka_in(folder: Path) -> Iterator[KafkaSettings]:
    """Run embedded servers in a folder for as long as the block runs."""
    settings = EmbeddedSettings(state_dir=folder / "servers")
    ends = up(
        settings,
        kafka_brokers=broker_count,
        cassandra_nodes=node_count,
        report=lambda line: print(line, file=sys.stderr),
    )
    try:
        yield KafkaSettings(bootstrap_servers=ends.kafka_bootstrap)
    finally:
        down(settings, wipe=True, report=lambda _: None)


def send(kafka: KafkaSettings, events: Iterable[Event]) -> None:
    """Send events to their topics as fast as they come."""
    with Producer(kafka) as producer:
        for event in events:
            producer.send(source_topic(type(event)), event.key, encode(event))
        producer.flush()


def run(
    kafka: KafkaSettings,
    artifacts: Sequence[Artifact],
    folder: Path,
    stop: threading.Event,
    *,
    late_hours: int = 24,
    interval_s: int | None = None,
) -> None:
    """Run the real-time queries of these models until all is scored; with an interval, until stopped."""
    tags = dict.fromkeys(tag for artifact in artifacts for tag in read_for(artifact.event))
    read = {tag: source_topic(EVENT_TYPES[tag]) for tag in tags}
    run_query(
        ProcessingSettings(
            checkpoint_dir=folder / "checkpoints",
            watermark_delay_hours=late_hours,
            log_level="ERROR",
            interval_s=interval_s or 120,
        ),
        Topics(
            bootstrap_servers=kafka.bootstrap_servers,
            sources={tag: topic_name(kafka, topic) for tag, topic in read.items()},
            partitions={topic_name(kafka, topic): len(end_offsets(kafka, topic)) for topic in read.values()},
            features=topic_name(kafka, "features"),
            scores=topic_name(kafka, "scores"),
            alerts=topic_name(kafka, "alerts"),
            dead_letters=topic_name(kafka, "dead-letters"),
        ),
        fixed([alone(artifact) for artifact in artifacts]),
        java=java_binary(),
        jars=resolve("spark"),
        stop=stop,
        until_idle=interval_s is None,
        watch=Watch(
            lambda _: None,
            lambda: {topic_name(kafka, topic): end_offsets(kafka, topic) for topic in read.values()},
        ),
        report=lambda line: print(line, file=sys.stderr, flush=True),
    )


def told(kafka: KafkaSettings) -> pd.DataFrame:
    """Return what the scores topic holds, each score once; see `streamed`."""
    rows = [_row(scores.decode(record.value or b"")) for record in read_all(kafka, "scores")]
    return pd.DataFrame(rows).drop_duplicates(["event_id", "model"], keep="last", ignore_index=True)


def _row(score: scores.Score) -> dict[str, object]:
    return {
        "event_id": score.event_id,
        "entity": score.entity,
        "event_time": score.event_time,
        "model": score.model,
        "score": score.score,
        "threshold": score.threshold,
        "alert": score.is_alert,
        "outputs": score.outputs,
        "reasons": {reason.feature: reason.contribution for reason in score.reasons},
    }
