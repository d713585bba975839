"""The child `writer`: a member of the group that moves scores into Cassandra."""

from ingest.consumer import Consumer
from ingest.producer import Producer
from pipeline.bootstrap.clocks import wall_ms
from pipeline.bootstrap.rejects import reject_into
from pipeline.bootstrap.stores import open_stores
from pipeline.part import Part
from storage.writer import Writer


def run(part: Part) -> None:
    """Write until stopped."""
    settings = part.settings
    with (
        open_stores(settings.cassandra) as stores,
        Producer(settings.kafka) as producer,
        Consumer(settings.kafka, settings.writer.group, ["scores"]) as consumer,
    ):
        part.report({"ready": True})
        Writer(consumer, stores.scores, reject_into(producer, wall_ms), settings.writer).run(part.stop)
