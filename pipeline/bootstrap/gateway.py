"""The child `gateway`: takes commands, and lets the bridge that is set carry them to devices."""

from contextlib import closing

from actors.bridges.http import HttpBridge
from actors.bridges.mqtt import MqttBridge
from actors.bridges.port import Bridge
from actors.bridges.simulated import SimulatedDevices
from actors.gateway import Gateway, run_gateway
from actors.ledger_file import open_ledger
from actors.settings import GatewaySettings
from ingest.consumer import Consumer
from ingest.producer import Producer
from pipeline.bootstrap.clocks import wall_ms
from pipeline.bootstrap.rejects import reject_into
from pipeline.part import Part


def run(part: Part) -> None:
    """Take commands until stopped."""
    settings = part.settings
    with (
        open_ledger(settings.gateway.ledger) as ledger,
        closing(bridge(settings.gateway)) as way,
        Producer(settings.kafka) as producer,
        Consumer(settings.kafka, settings.gateway.group, ["commands"]) as consumer,
    ):
        gateway = Gateway(ledger, way, wall_ms, round(settings.gateway.grace_s * 1_000))
        part.report({"ready": True})
        run_gateway(
            consumer,
            producer,
            gateway,
            settings.gateway,
            part.stop,
            reject=reject_into(producer, wall_ms),
        )


def bridge(settings: GatewaySettings) -> Bridge:
    """Return the way to devices that is set."""
    match settings.kind:
        case "http":
            return HttpBridge(settings.http, wall_ms)
        case "mqtt":
            return MqttBridge(settings.mqtt, wall_ms)
        case "simulated":
            return SimulatedDevices(settings, wall_ms)
