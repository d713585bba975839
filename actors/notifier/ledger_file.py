"""The notifier's ledger as a file: its tables, and how it is opened."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from actors.errors import RefuseLedgerError
from actors.notifier.ledger import NotifierLedger

VERSION: Final = 1

_TABLES: Final = """
create table seen(id blob primary key, at integer not null) strict, without rowid;
create index seen_at on seen(at);
create table collected(
    number integer primary key,
    route text not null,
    change blob not null,
    at integer not null
) strict;
create index collected_of on collected(route, number);
create table duties(
    alarm_id text not null,
    route text not null,
    due_at integer not null,
    duty blob not null,
    primary key (alarm_id, route)
) strict, without rowid;
create index duties_due on duties(route, due_at);
create table watches(condition text primary key, watch blob not null) strict;
create table floods(
    condition text not null,
    route text not null,
    flooded blob not null,
    primary key (condition, route)
) strict, without rowid;
create table messages(
    number integer primary key autoincrement,
    channel text not null,
    state text not null check (state in ('waiting', 'sent', 'failed')),
    message blob not null,
    attempts integer not null default 0,
    reason text,
    finished_at integer
) strict;
create index messages_waiting on messages(channel, number) where state = 'waiting';
"""


@contextmanager
def open_ledger(path: Path) -> Iterator[NotifierLedger]:
    """Open the ledger, making the file when there is none; others may read, and add a test, while a notifier works.

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
        yield NotifierLedger(connection)


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = full")
    connection.execute("begin immediate")
    (version,) = connection.execute("pragma user_version").fetchone()
    if version == 0:
        for statement in _TABLES.split(";\n"):
            connection.execute(statement)
        connection.execute(f"pragma user_version = {VERSION}")
    connection.execute("commit")
    if version not in (0, VERSION):
        raise RefuseLedgerError(f"{path}: version {version}, this program writes {VERSION}")
