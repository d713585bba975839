"""Events as a producer sends them: to the topic of their type, keyed, acknowledged."""

from collections.abc import Iterable

from ingest.producer import Producer
from ingest.settings import KafkaSettings
from models import events
from models.events import Event


def send(kafka: KafkaSettings, arrived: Iterable[Event]) -> None:
    """Send events in their order; return when all are acknowledged."""
    with Producer(kafka) as producer:
        for event in arrived:
            producer.send(event.topic, event.key, events.encode(event))
        producer.flush()
