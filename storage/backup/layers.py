"""What there is to keep of a keyspace: of each table its rows, and the static cells of its partitions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cassandra.cluster import Session

from storage.backup.values import TYPES
from storage.errors import RefuseInputError
from storage.failures import mapped

_MIGRATIONS: Final = "schema_migrations"
_COLUMNS: Final = (
    "SELECT table_name, column_name, kind, position, type FROM system_schema.columns WHERE keyspace_name = %s"
)


@dataclass(frozen=True)
class Layer:
    """The rows of a table, or the static cells of its partitions.

    Attributes
    ----------
    partition, clustering
        Columns of the key; without clustering for static cells.
    cells
        The other columns.
    types
        CQL types by column.
    """

    table: str
    is_static: bool
    partition: tuple[str, ...]
    clustering: tuple[str, ...]
    cells: tuple[str, ...]
    types: Mapping[str, str]

    @property
    def name(self) -> str:
        """Name of the layer and of its file."""
        return f"{self.table}.static" if self.is_static else self.table

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that identify a row."""
        return self.partition + self.clustering

    @property
    def select(self) -> str:
        """CQL that reads a range of tokens: the key, then value, write time and remaining life of each cell."""
        read = [f'"{c}", writetime("{c}") AS w{i}, ttl("{c}") AS t{i}' for i, c in enumerate(self.cells)]
        token = f"token({_names(self.partition)})"
        distinct = "DISTINCT " if self.is_static else ""
        columns = ", ".join([_names(self.key), *read])
        return f'SELECT {distinct}{columns} FROM "{self.table}" WHERE {token} > ? AND {token} <= ?'  # noqa: S608 - names come from the schema

    @property
    def insert(self) -> str:
        """CQL that writes a row: key, cells, write time, life in seconds (0: for ever)."""
        columns = (*self.key, *self.cells)
        marks = ", ".join("?" * len(columns))
        return f'INSERT INTO "{self.table}" ({_names(columns)}) VALUES ({marks}) USING TIMESTAMP ? AND TTL ?'  # noqa: S608 - names come from the schema

    @property
    def update(self) -> str:
        """CQL that writes cells of a row: write time, life in seconds, cells, key."""
        changes = ", ".join(f'"{c}" = ?' for c in self.cells)
        where = " AND ".join(f'"{c}" = ?' for c in self.key)
        return f'UPDATE "{self.table}" USING TIMESTAMP ? AND TTL ? SET {changes} WHERE {where}'  # noqa: S608 - names come from the schema


def layers(session: Session, keyspace: str) -> list[Layer]:
    """Return the layers of a keyspace by name; the record of its migrations is none.

    Raises
    ------
    RefuseInputError
        When a column has a type that is not kept exactly.
    """
    with mapped(f"reading the schema of {keyspace!r}"):
        rows = list(session.execute(_COLUMNS, (keyspace,)))
    tables = sorted({row.table_name for row in rows} - {_MIGRATIONS})
    found = (
        layer for table in tables for layer in _of_table(table, [r for r in rows if r.table_name == table])
    )
    return list(found)


def _of_table(table: str, columns: list[Any]) -> list[Layer]:
    types = {c.column_name: c.type for c in columns}
    unknown = [f"{name} {kind}" for name, kind in types.items() if kind not in TYPES]
    if unknown:
        raise RefuseInputError(f"table {table}: columns {', '.join(unknown)} can't be kept exactly")
    partition, clustering = _of_kind(columns, "partition_key"), _of_kind(columns, "clustering")
    static, regular = _of_kind(columns, "static"), _of_kind(columns, "regular")
    rows = Layer(table, False, partition, clustering, regular, types)  # noqa: FBT003 - as its field says
    statics = Layer(table, True, partition, (), static, types)  # noqa: FBT003 - as its field says
    return [rows, statics] if static else [rows]


def _of_kind(columns: list[Any], kind: str) -> tuple[str, ...]:
    found = sorted((c.position, c.column_name) for c in columns if c.kind == kind)
    return tuple(name for _, name in found)


def _names(columns: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in columns)
