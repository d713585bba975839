"""How large everything is, how it grows, and when the disk is full."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra.embedded.layout import servers_dir
from ingest.catalog import wanted
from pipeline.bootstrap import servers
from pipeline.bootstrap.clocks import wall_ms
from pipeline.forecast import Store, days_to_full
from pipeline.settings import Settings
from storage.session import connect
from storage.sizes import filled_since, table_sizes

KAFKA: Final = "kafka (all topics)"


@dataclass(frozen=True)
class Outlook:
    """What is stored where, and the disk.

    Attributes
    ----------
    free, disk
        Bytes of the disk that the embedded servers write to, or as given; None where it is not known.
    days
        After how many days it is full; None: never, or not known.
    """

    stores: tuple[Store, ...]
    free: int | None
    disk: int | None
    days: int | None


def outlook(settings: Settings, free: int | None) -> Outlook:
    """Look at the tables, and at the embedded servers' disk unless free bytes are given."""
    with connect(settings.cassandra) as session:
        since = filled_since(session)
        sizes = table_sizes(session, settings.cassandra.keyspace)
    age_s = 0.0 if since is None else (wall_ms() - since) / 1_000
    stores = [Store(size.table, size.bytes, size.life_s, age_s) for size in sizes]
    disk: int | None = None
    if servers.are_used(settings):
        root = servers_dir(settings.embedded.state_dir)
        stores.append(_kafka(settings, root, age_s))
        usage = shutil.disk_usage(root)
        free, disk = usage.free if free is None else free, usage.total
    return Outlook(tuple(stores), free, disk, None if free is None else days_to_full(stores, free))


def _kafka(settings: Settings, root: Path, age_s: float) -> Store:
    """Return the brokers' logs as one store that keeps as long as the sources are kept."""
    held = sum(path.stat().st_size for path in root.glob("kafka-*/data/**/*.log"))
    lives = [topic.retention_hours for topic in wanted(settings.kafka).values()]
    longest = None if None in lives else max(hours for hours in lives if hours is not None)
    return Store(KAFKA, held, None if longest is None else round(longest * 3_600), age_s)
