"""A keyspace written into a folder and back, and its digest."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from cassandra.cluster import Session

from storage.backup import files, reading, writing
from storage.backup.layers import layers
from storage.backup.row_set import RowSet
from storage.backup.values import StoredRow
from storage.entity_layout import BUCKETED, SEPARATE
from storage.errors import RefuseInputError
from storage.failures import mapped
from storage.moving import OLDER, moved
from storage.settings import CassandraSettings

Clock = Callable[[], int]

SUFFIX: Final = ".parquet"
_FIRST: Final = (BUCKETED.table, SEPARATE.table)
_ANY: Final = 'SELECT * FROM {}."{}" LIMIT 1'


def digest(session: Session, keyspace: str, clock: Clock) -> dict[str, RowSet]:
    """Return the row set of each layer, by name."""
    return {
        layer.name: RowSet().add_all(reading.rows(session, layer, clock))
        for layer in layers(session, keyspace)
    }


def export(session: Session, keyspace: str, folder: Path, clock: Clock) -> dict[str, RowSet]:
    """Write each layer into a file of its name; return what was written.

    While the application runs, entities are read first: what is derived from them is then at least as new, and
    a later version of an entity wins.
    """
    kept = {}
    for layer in sorted(layers(session, keyspace), key=lambda layer: layer.table not in _FIRST):
        kept[layer.name] = rows = RowSet()
        files.write(
            folder / f"{layer.name}{SUFFIX}", layer, _counted(rows, reading.rows(session, layer, clock))
        )
    return kept


def load(
    session: Session, settings: CassandraSettings, folder: Path, names: Sequence[str], clock: Clock
) -> dict[str, RowSet]:
    """Write the files of these layers into the keyspace, whose schema may be newer; return what must be there now.

    Entities of a table that the keyspace has no more go into buckets.

    Rows and cells whose life has ended since are left out.

    Raises
    ------
    RefuseInputError
        When the keyspace does not have one of the layers; nothing was written then.
    """
    known = {layer.name: layer for layer in layers(session, settings.keyspace)}
    older = {name: layer for name, layer in OLDER.items() if name in names and name not in known}
    if missing := [name for name in names if name not in known and name not in older]:
        raise RefuseInputError(
            f"the keyspace has no {', '.join(missing)}: this version can't take this backup"
        )
    taken: dict[str, RowSet] = {}
    for name in names:
        if older and name == BUCKETED.table:
            continue  # the older table was the one in use
        layer, to = older.get(name) or known[name], known[BUCKETED.table if name in older else name]
        held = living(files.read(folder / f"{name}{SUFFIX}", layer), clock)
        rows = moved(held, layer, to) if name in older else held
        writing.put(session, settings, to, _counted(taken.setdefault(to.name, RowSet()), rows), clock)
    return taken


def filled(session: Session, keyspace: str) -> list[str]:
    """Return the tables that hold rows."""
    with mapped("looking for rows"):
        return [
            name for name in _tables(session, keyspace) if session.execute(_ANY.format(keyspace, name)).one()
        ]


def empty(session: Session, tables: Iterable[str]) -> None:
    """Take all rows out of tables."""
    for name in tables:
        with mapped(f"emptying {name}"):
            session.execute(f'TRUNCATE "{name}"')


def living(rows: Iterable[StoredRow], clock: Clock) -> Iterator[StoredRow]:
    """Yield the rows with the cells that still live; a row that had cells and has none left is gone."""
    for row in rows:
        now_s = clock() // 1_000
        cells = tuple(
            cell if cell and (cell.expires is None or cell.expires > now_s) else None for cell in row.cells
        )
        if any(cells) or not any(row.cells):
            yield row._replace(cells=cells)


def _tables(session: Session, keyspace: str) -> list[str]:
    return [layer.table for layer in layers(session, keyspace) if not layer.is_static]


def _counted(rows: RowSet, coming: Iterable[StoredRow]) -> Iterator[StoredRow]:
    for row in coming:
        rows.add(row)
        yield row
