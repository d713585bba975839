"""The child `query`: the real-time queries on the embedded Java, with the connector and the deployed models."""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import structlog

from infra import jars
from infra.embedded.java import java_binary
from ingest.admin import end_offsets
from ingest.catalog import topic_name
from ingest.offsets import watermarks
from ingest.settings import KafkaSettings, TopicName
from models.events import read_for
from pipeline import progress
from pipeline.bootstrap.models import places, source_of
from pipeline.part import Part
from pipeline.steersman import Steersman
from processing import standby
from processing.mending import mend
from processing.progress import Interval, Offsets, Watch
from processing.query import rejects_name, run_in, run_query, session_of, slots_for
from processing.room import await_room
from processing.topics import Topics

log = structlog.get_logger(__name__)

FEATURES: Final[TopicName] = "features"
RECENT: Final = 5_000
"""How many events of each partition a standby practises on."""

LOOK_EVERY_S: Final = 1.0
"""How often a standby looks whether its Java still lives, in seconds."""


def run(part: Part) -> None:
    """Score until stopped, or until every source topic is read to its end; a standby first waits for its call."""
    java, connector = java_binary(), jars.resolve("spark", part.settings.embedded.jar_cache)
    if part.called is None:
        _score(part, partial(run_query, java=java, jars=connector))
    else:
        _stand_by(part, part.called, java, connector)


def _score(part: Part, score: Callable[..., None]) -> None:
    """Take the place of the query that ran before, whose processes have all ended."""
    settings = part.settings
    steering = Steersman(places(settings)).steering()
    events = [service.event for service in steering.services]
    where = topics(settings.kafka, events)
    queries = [service.query for service in steering.services]
    progress.forget_others(settings.run_dir, [*queries, rejects_name(where)])
    for record in mend(settings.processing.checkpoint_dir):
        log.warning("a half-written record of a checkpoint was deleted", record=str(record))
    score(
        settings.processing,
        where,
        steering,
        stop=part.stop,
        until_idle=part.until_idle,
        watch=_watch(part, events),
        report=lambda line: part.report({"ready": True, "note": line}),
    )


def _stand_by(part: Part, called: threading.Event, java: Path, connector: Sequence[Path]) -> None:
    settings, stop = part.settings, part.stop
    services = Steersman(places(settings)).served()
    where, ends = _recent(settings.kafka, topics(settings.kafka, [service.event for service in services]))
    slots = slots_for(settings.processing, where, services)
    with session_of(settings.processing, java, connector, slots) as spark:
        rounds = standby.practise(
            spark,
            settings.processing,
            where,
            services,
            ends=ends,
            interrupted=lambda: stop.is_set() or called.is_set(),
        )
        part.report({"standing_by": True, "rounds": rounds})
        while not (called.wait(LOOK_EVERY_S) or stop.is_set()):
            standby.insist_on_java(spark)
        await_room(settings.processing.checkpoint_dir, settings.processing.checkpoint_free_mb, stop)
        if not stop.is_set():
            _score(part, partial(run_in, spark))


def _recent(kafka: KafkaSettings, where: Topics) -> tuple[Topics, Offsets]:
    """Return where to read the latest events, and where they end."""
    found = {source: watermarks(kafka, source) for source in map(source_of, where.sources)}
    begins = {
        topic_name(kafka, source): {p: max(first, end - RECENT) for p, (first, end) in bounds.items()}
        for source, bounds in found.items()
    }
    ends = {
        topic_name(kafka, source): {p: end for p, (_, end) in bounds.items()}
        for source, bounds in found.items()
    }
    return replace(where, begins=begins), ends


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
