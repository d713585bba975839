"""The ledger's file: its tables, what older versions become, and how it is opened."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from actors.errors import RefuseLedgerError
from actors.ledger import Ledger

VERSION: Final = 2

_TABLES: Final = """
create table if not exists errands(
    command_id text primary key,
    entity text not null,
    state text not null,
    expires_at integer not null,
    deliveries integer not null,
    told integer not null,
    command blob,
    cancel blob,
    ack blob
) strict;
create index if not exists unheard on errands(expires_at) where state in ('taken', 'sent');
create index if not exists untold on errands(told) where told = 0;
create table if not exists effects(
    command_id text not null,
    entity text not null,
    kind text not null,
    at integer not null
) strict;
"""
_FROM_1: Final = """
insert into errands
    select command_id, entity, outcome, 0, deliveries, 1, null, null,
        cast(json_remove(cast(ack as text), '$.alarm_id') as blob)
    from answers;
drop table answers;
"""


@contextmanager
def open_ledger(path: Path) -> Iterator[Ledger]:
    """Open the ledger, making the file when there is none; several processes may read while one writes.

    Raises
    ------
    RefuseLedgerError
        The file is no ledger, or of another version.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(
        sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
    ) as connection:
        try:
            _prepare(connection, path)
        except sqlite3.DatabaseError as error:
            raise RefuseLedgerError(f"{path}: {error}; move it away or name another file") from error
        yield Ledger(connection)


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = full")
    (version,) = connection.execute("pragma user_version").fetchone()
    if version not in (0, 1, VERSION):
        raise RefuseLedgerError(f"{path}: version {version}, this program writes {VERSION}")
    if version < VERSION:
        moving = _FROM_1 if version == 1 else ""
        connection.executescript(
            f"begin immediate; {_TABLES} {moving} pragma user_version = {VERSION}; commit;"
        )
