"""The embedded servers, with the real clients that tell whether they answer."""

from collections.abc import Callable

from infra import embedded
from infra.embedded import EmbeddedSettings, Endpoints, Status
from ingest.admin import all_in_sync, broker_count
from pipeline.settings import Settings
from storage.session import joined_count, node_count, see_each_other

Report = Callable[[str], None]


def bring_up(settings: EmbeddedSettings, report: Report) -> Endpoints:
    """Start what is not running; return when all answer."""
    return embedded.up(settings, kafka_brokers=broker_count, cassandra_nodes=joined_count, report=report)


def take_down(settings: EmbeddedSettings, report: Report, *, wipe: bool = False) -> None:
    """Stop the servers; with `wipe` delete their data."""
    embedded.down(settings, wipe=wipe, report=report)


def restart(settings: EmbeddedSettings, report: Report) -> None:
    """Restart the servers one after the other, the next once the one before has caught up."""
    embedded.restart(
        settings,
        kafka_brokers=broker_count,
        cassandra_nodes=node_count,
        caught_up={
            "kafka": lambda found: all_in_sync(found.kafka_bootstrap),
            "cassandra": lambda found: see_each_other(found.cassandra_contact_points, found.cassandra_port),
        },
        report=report,
    )


def look(settings: EmbeddedSettings) -> Status:
    """Ask every server how it is."""
    return embedded.status(settings, kafka_brokers=broker_count, cassandra_nodes=node_count)


def are_used(settings: Settings) -> bool:
    """Whether the settings point at the embedded servers of their state directory, up or not, and not at others."""
    found = embedded.endpoints(settings.embedded)
    default = f"127.0.0.1:{settings.embedded.kafka_port}"
    return settings.kafka.bootstrap_servers == (found.kafka_bootstrap if found else default)
