"""Entities taken from partitions of their own into buckets, each cell with its write time and the rest of its life."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from cassandra.cluster import Session

from storage.backup import reading, writing
from storage.backup.layers import Layer, layers
from storage.backup.values import StoredRow
from storage.buckets import bucket_of
from storage.entity_layout import BUCKETED, SEPARATE
from storage.settings import CassandraSettings

_HEAD: Final = ("", "")
"""Kind and id of the row that has what was static."""

_TYPES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("entity", "kind", "id", "state", "status", "body"), "text"),
    "version": "bigint",
    "writer": "uuid",
    "taken_at": "timestamp",
}
_ROWS: Final = Layer(
    table=SEPARATE.table,
    is_static=False,
    partition=("entity",),
    clustering=("kind", "id"),
    cells=("body", "status", "taken_at"),
    types=_TYPES,
)
_STATICS: Final = Layer(
    table=SEPARATE.table,
    is_static=True,
    partition=("entity",),
    clustering=(),
    cells=("state", "version", "writer"),
    types=_TYPES,
)
OLDER: Final = {layer.name: layer for layer in (_ROWS, _STATICS)}
"""The layers of the older table, by name; they outlive it in backups."""


def move(session: Session, settings: CassandraSettings, clock: Callable[[], int]) -> None:
    """Copy what is in the older table; may be repeated, and nothing may change entities meanwhile.

    Parameters
    ----------
    clock
        Milliseconds since the epoch.
    """
    (to,) = (layer for layer in layers(session, settings.keyspace) if layer.table == BUCKETED.table)
    for layer in OLDER.values():
        writing.put(session, settings, to, moved(reading.rows(session, layer, clock), layer, to), clock)


def moved(rows: Iterable[StoredRow], layer: Layer, to: Layer) -> Iterator[StoredRow]:
    """Yield rows of an older layer as they are in buckets."""
    for row in rows:
        entity, *place = row.key
        cells: dict[str, Any] = dict(zip(layer.cells, row.cells, strict=True))
        key = (bucket_of(str(entity)), entity, *(place or _HEAD))
        yield StoredRow(key, tuple(cells.get(name) for name in to.cells))
