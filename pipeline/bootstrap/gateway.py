"""The child `gateway`: the simulated issuer with its ledger."""

from actors.gateway import run_gateway
from actors.ledger import open_ledger
from ingest.consumer import Consumer
from ingest.producer import Producer
from pipeline.bootstrap.clocks import wall_ms
from pipeline.bootstrap.rejects import reject_into
from pipeline.part import Part


def run(part: Part) -> None:
    """Answer commands until stopped."""
    settings = part.settings
    with (
        open_ledger(settings.gateway.ledger) as ledger,
        Producer(settings.kafka) as producer,
        Consumer(settings.kafka, settings.gateway.group, ["commands"]) as consumer,
    ):
        part.report({"ready": True})
        run_gateway(
            consumer,
            producer,
            ledger,
            settings.gateway,
            part.stop,
            reject=reject_into(producer, wall_ms),
            clock=wall_ms,
        )
