"""How large tables are on disk, how long they keep rows, and since when the keyspace is filled."""

from dataclasses import dataclass
from typing import Any, Final

from cassandra.cluster import Session

from storage.failures import mapped
from storage.times import millis

MIB: Final = 1 << 20

_DISK: Final = "SELECT table_name, mebibytes FROM system_views.disk_usage WHERE keyspace_name = %s"
_LIVES: Final = "SELECT table_name, default_time_to_live FROM system_schema.tables WHERE keyspace_name = %s"
_SINCE: Final = "SELECT applied_at FROM schema_migrations"


@dataclass(frozen=True)
class TableSize:
    """A table.

    Attributes
    ----------
    bytes
        On the disks of all nodes together, replicas included, to a mebibyte; what is in memory only is not in it.
    life_s
        Seconds that a row lives; None where rows stay, or each has a life of its own.
    """

    table: str
    bytes: int
    life_s: int | None


def table_sizes(session: Session, keyspace: str) -> list[TableSize]:
    """Return the tables of a keyspace, by name."""
    with mapped(f"asking for the sizes of {keyspace!r}"):
        lives = {row.table_name: row.default_time_to_live for row in session.execute(_LIVES, (keyspace,))}
        sizes = dict.fromkeys(lives, 0)
        for host in _up(session):
            for row in session.execute(_DISK, (keyspace,), host=host):
                sizes[row.table_name] = sizes.get(row.table_name, 0) + row.mebibytes * MIB
    return [TableSize(table, sizes[table], lives[table] or None) for table in sorted(lives)]


def filled_since(session: Session) -> int | None:
    """Return when the first migration was applied, milliseconds since the epoch."""
    with mapped("asking for the age of the keyspace"):
        times = [millis(row.applied_at) for row in session.execute(_SINCE) if row.applied_at is not None]
    return min(times, default=None)


def _up(session: Session) -> list[Any]:
    return [host for host in session.cluster.metadata.all_hosts() if host.is_up]
