"""The real places of models and deployments."""

from ingest.admin import end_offsets
from ingest.catalog import source_topic, topic_name
from ingest.settings import TopicName
from models.events import EVENT_TYPES
from pipeline.bootstrap.clocks import wall_ms
from pipeline.lifecycle import Places
from pipeline.settings import Settings


def places(settings: Settings) -> Places:
    """Return where this namespace's models, deployments and events are."""
    return Places(
        namespace=settings.namespace,
        models_dir=settings.models_dir,
        run_dir=settings.run_dir,
        checkpoint_dir=settings.processing.checkpoint_dir,
        topic=lambda event: topic_name(settings.kafka, source_of(event)),
        ends=lambda event: end_offsets(settings.kafka, source_of(event)),
        clock=wall_ms,
    )


def source_of(event: str) -> TopicName:
    """Return the topic of an event type, by its tag."""
    return source_topic(EVENT_TYPES[event])
