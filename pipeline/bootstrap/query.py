"""The child `query`: the real-time queries on the embedded Java, with the connector and the trained models."""

from infra import jars
from infra.embedded.java import java_binary
from ingest.admin import end_offsets
from ingest.catalog import topic_name
from ingest.settings import KafkaSettings, TopicName
from models.artifact import Artifact
from models.events import EVENT_TYPES
from pipeline import artifacts, progress
from pipeline.part import Part
from processing.progress import Interval, Offsets, Watch
from processing.query import Topics, run_query


def run(part: Part) -> None:
    """Score until stopped, or until every source topic is read to its end."""
    settings = part.settings
    models = artifacts.load_all(settings.models_dir)
    run_query(
        settings.processing,
        topics(settings.kafka, models),
        models,
        java=java_binary(),
        jars=jars.resolve("spark", settings.embedded.jar_cache),
        stop=part.stop,
        until_idle=part.until_idle,
        watch=_watch(part, sources(models)),
        report=lambda line: part.report({"ready": True, "note": line}),
    )


def sources(models: list[Artifact]) -> dict[str, TopicName]:
    """Return the source topic of each event type that the models read."""
    tags = [*(model.event for model in models), "label"]
    return {tag: EVENT_TYPES[tag].topic for tag in tags}  # type: ignore[misc] # a test holds them to TopicName


def topics(kafka: KafkaSettings, models: list[Artifact]) -> Topics:
    """Return where the queries read and write."""
    names = {tag: topic_name(kafka, topic) for tag, topic in sources(models).items()}
    return Topics(
        bootstrap_servers=kafka.bootstrap_servers,
        sources=names,
        partitions={
            topic_name(kafka, topic): len(end_offsets(kafka, topic)) for topic in sources(models).values()
        },
        scores=topic_name(kafka, "scores"),
        alerts=topic_name(kafka, "alerts"),
        dead_letters=topic_name(kafka, "dead-letters"),
    )


def _watch(part: Part, read: dict[str, TopicName]) -> Watch:
    kafka, run_dir = part.settings.kafka, part.settings.run_dir
    kept = progress.read(run_dir)

    def interval(done: Interval) -> None:
        nonlocal kept
        kept = progress.after(kept, done)
        progress.write(run_dir, kept)

    def ends() -> Offsets:
        return {topic_name(kafka, topic): end_offsets(kafka, topic) for topic in read.values()}

    return Watch(interval=interval, end_offsets=ends)
