"""The child `query`: the real-time queries on the embedded Java, with the connector and the deployed models."""

from collections.abc import Iterable
from typing import Final

import structlog

from infra import jars
from infra.embedded.java import java_binary
from ingest.admin import end_offsets
from ingest.catalog import topic_name
from ingest.settings import KafkaSettings, TopicName
from models.events import read_for
from pipeline import progress
from pipeline.bootstrap.models import places, source_of
from pipeline.part import Part
from pipeline.steersman import Steersman
from processing.mending import mend
from processing.progress import Interval, Offsets, Watch
from processing.query import rejects_name, run_query
from processing.topics import Topics

log = structlog.get_logger(__name__)

FEATURES: Final[TopicName] = "features"


def run(part: Part) -> None:
    """Score until stopped, or until every source topic is read to its end."""
    settings = part.settings
    steering = Steersman(places(settings)).steering()
    events = [service.event for service in steering.services]
    where = topics(settings.kafka, events)
    queries = [service.query for service in steering.services]
    progress.forget_others(settings.run_dir, [*queries, rejects_name(where)])
    for record in mend(settings.processing.checkpoint_dir):
        log.warning("a half-written record of a checkpoint was deleted", record=str(record))
    run_query(
        settings.processing,
        where,
        steering,
        java=java_binary(),
        jars=jars.resolve("spark", settings.embedded.jar_cache),
        stop=part.stop,
        until_idle=part.until_idle,
        watch=_watch(part, events),
        report=lambda line: part.report({"ready": True, "note": line}),
    )


def topics(kafka: KafkaSettings, events: Iterable[str]) -> Topics:
    """Return where the queries over these event types (tags) read and write."""
    sources = {tag: source_of(tag) for event in events for tag in read_for(event)}
    return Topics(
        bootstrap_servers=kafka.bootstrap_servers,
        sources={tag: topic_name(kafka, topic) for tag, topic in sources.items()},
        partitions={topic_name(kafka, topic): len(end_offsets(kafka, topic)) for topic in sources.values()},
        features=topic_name(kafka, "features"),
        scores=topic_name(kafka, "scores"),
        alerts=topic_name(kafka, "alerts"),
        dead_letters=topic_name(kafka, "dead-letters"),
    )


def _watch(part: Part, events: Iterable[str]) -> Watch:
    kafka, run_dir = part.settings.kafka, part.settings.run_dir
    read = {source_of(tag) for event in events for tag in read_for(event)}

    def interval(done: Interval) -> None:
        progress.write(run_dir, progress.after(progress.read(run_dir), done))

    def ends() -> Offsets:
        return {topic_name(kafka, topic): end_offsets(kafka, topic) for topic in (*read, FEATURES)}

    return Watch(interval=interval, end_offsets=ends)
