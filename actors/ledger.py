"""The gateway's ledger: which commands took effect and what was answered, durable in one SQLite file."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from actors.errors import RefuseLedgerError
from models.actions import Ack, Command, Outcome, decode_ack, encode

VERSION: Final = 1

_TABLES: Final = """
create table if not exists answers(
    command_id text primary key,
    entity text not null,
    alarm_id text not null,
    outcome text not null,
    ack blob not null,
    deliveries integer not null
) strict;
create table if not exists effects(
    command_id text not null,
    entity text not null,
    kind text not null,
    at integer not null
) strict;
"""


class Effect(NamedTuple):
    """A command that the device carried out, `at` milliseconds since the epoch."""

    command_id: str
    entity: str
    kind: str
    at: int


class LedgerCounts(NamedTuple):
    """What the ledger holds: commands, how often they were delivered in all, effects, and answers by outcome."""

    commands: int
    deliveries: int
    effects: int
    outcomes: dict[Outcome, int]


class Ledger:
    """Answers by command id, and the effects, changed in one transaction per batch.

    `effects` has no key on purpose: a second effect of one command would show.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def known(self, command_ids: Sequence[str]) -> dict[str, Ack]:
        """Return the answers already given to these commands."""
        marks = ",".join("?" * len(command_ids))
        rows = self._connection.execute(
            f"select command_id, ack from answers where command_id in ({marks})",  # noqa: S608 - only `?`
            tuple(command_ids),
        )
        return {name: decode_ack(ack) for name, ack in rows}

    def record(self, new: Iterable[tuple[Command, Ack]], delivered: Iterable[str]) -> None:
        """Keep new answers with the effects they stand for, and count deliveries; durable on return."""
        with self._transaction():
            for command, ack in new:
                self._answer(ack)
                if ack.outcome == "succeeded":
                    self._effect(command, ack)
            self._connection.executemany(
                "update answers set deliveries = deliveries + 1 where command_id = ?",
                [(name,) for name in delivered],
            )

    def effects(self) -> list[Effect]:
        """Return every effect, in the order in which they took place."""
        rows = self._connection.execute("select command_id, entity, kind, at from effects order by rowid")
        return [Effect(*row) for row in rows]

    def answers(self) -> dict[str, Outcome]:
        """Return the outcome of every command that was answered."""
        return dict(self._connection.execute("select command_id, outcome from answers"))

    def counts(self) -> LedgerCounts:
        """Return the totals."""
        commands, deliveries = self._connection.execute(
            "select count(*), coalesce(sum(deliveries), 0) from answers"
        ).fetchone()
        (effects,) = self._connection.execute("select count(*) from effects").fetchone()
        outcomes = dict(self._connection.execute("select outcome, count(*) from answers group by outcome"))
        return LedgerCounts(commands, deliveries, effects, outcomes)

    def _answer(self, ack: Ack) -> None:
        self._connection.execute(
            "insert into answers values (?, ?, ?, ?, ?, 0)",
            (ack.command_id, ack.entity, ack.alarm_id, ack.outcome, encode(ack)),
        )

    def _effect(self, command: Command, ack: Ack) -> None:
        self._connection.execute(
            "insert into effects values (?, ?, ?, ?)",
            (command.command_id, command.entity, command.kind, ack.at),
        )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._connection.execute("rollback")
            raise
        self._connection.execute("commit")


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
    if version not in (0, VERSION):
        raise RefuseLedgerError(f"{path}: version {version}, this program writes {VERSION}")
    if version == 0:
        connection.executescript(f"begin immediate; {_TABLES} pragma user_version = {VERSION}; commit;")
