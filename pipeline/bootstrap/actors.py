"""The child `actors`: the Faust worker with its shards, on the entity store."""

from actors.worker import run_worker
from ingest.producer import Producer
from pipeline.bootstrap.clocks import wall_ms
from pipeline.bootstrap.policies import policies_of
from pipeline.bootstrap.rejects import reject_into
from pipeline.bootstrap.stores import open_stores
from pipeline.part import Part
from storage.fleets import Fleets


def run(part: Part) -> None:
    """Act until stopped."""
    settings = part.settings
    with open_stores(settings.cassandra) as stores, Producer(settings.kafka) as producer:
        part.report({"ready": True})
        run_worker(
            settings.kafka,
            stores.entities,
            producer,
            settings.actors,
            part.stop,
            policies=policies_of(settings),
            reject=reject_into(producer, wall_ms),
            clock=wall_ms,
            fleet_of=Fleets(stores.machines, wall_ms),
        )
