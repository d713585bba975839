"""The gateway's ledger: where each command is, what was answered and what took effect, durable in one SQLite file."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple

import msgspec

from actors.bridges.errand import Errand
from models.actions import Ack, Command, Outcome, decode_ack, decode_command, encode

_FIELDS: Final = "command_id, entity, state, expires_at, command, cancel, ack"
_SAVE: Final = """
insert into errands values (?, ?, ?, ?, 0, ?, ?, ?, ?)
on conflict(command_id) do update set
    state = excluded.state, told = excluded.told,
    command = excluded.command, cancel = excluded.cancel, ack = excluded.ack
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
    """Errands by command id, and the effects, changed in one transaction per batch.

    `effects` has no key on purpose: a second effect of one command would show.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._told: list[tuple[str, bytes]] = []

    def known(self, command_ids: Sequence[str]) -> dict[str, Errand]:
        """Return the errands of those of these commands that are known."""
        marks = ",".join("?" * len(command_ids))
        found = self._errands(f"command_id in ({marks})", *command_ids)
        return {errand.command_id: errand for errand in found}

    def under_way(self) -> list[Errand]:
        """Return the errands whose last word is still to come, in the order in which they came."""
        return self._errands("state in ('taken', 'sent', 'delivered') order by rowid")

    def overdue(self, before: int) -> list[str]:
        """Return the commands that expired before this time, in milliseconds since the epoch, unheard of."""
        rows = self._connection.execute(
            "select command_id from errands where state in ('taken', 'sent') and expires_at < ?", (before,)
        )
        return [command_id for (command_id,) in rows]

    def untold(self) -> list[Ack]:
        """Return the answers that may not have been told to whoever sent the command."""
        rows = self._connection.execute("select ack from errands where told = 0 order by rowid")
        return [decode_ack(ack) for (ack,) in rows]

    def save(self, changed: Iterable[Errand], delivered: Iterable[str] = ()) -> None:
        """Keep changed errands with the effects they stand for, and count deliveries; durable on return."""
        with self._transaction():
            for errand in changed:
                self._save(errand)
                if errand.state == "succeeded":
                    self._effect(errand)
            self._connection.executemany(
                "update errands set deliveries = deliveries + 1 where command_id = ?",
                [(name,) for name in delivered],
            )

    def tell(self, acks: Iterable[Ack]) -> None:
        """Note that these were told; it is kept with the next change, and losing it only tells them again."""
        self._told += [(ack.command_id, encode(ack)) for ack in acks]

    def flush(self) -> None:
        """Keep what was noted."""
        with self._transaction():
            pass

    def effects(self) -> list[Effect]:
        """Return every effect, in the order in which they took place."""
        rows = self._connection.execute("select command_id, entity, kind, at from effects order by rowid")
        return [Effect(*row) for row in rows]

    def answers(self) -> dict[str, Outcome]:
        """Return the latest outcome of every command that was answered."""
        return dict(self._connection.execute("select command_id, state from errands where ack is not null"))

    def counts(self) -> LedgerCounts:
        """Return the totals."""
        commands, deliveries = self._connection.execute(
            "select count(*), coalesce(sum(deliveries), 0) from errands"
        ).fetchone()
        (effects,) = self._connection.execute("select count(*) from effects").fetchone()
        outcomes = dict(
            self._connection.execute(
                "select state, count(*) from errands where ack is not null group by state"
            )
        )
        return LedgerCounts(commands, deliveries, effects, outcomes)

    def _errands(self, where: str, *values: str) -> list[Errand]:
        rows = self._connection.execute(f"select {_FIELDS} from errands where {where}", values)  # noqa: S608 - ours
        return [_errand(row) for row in rows]

    def _save(self, errand: Errand) -> None:
        blobs = [_blob(message) for message in (errand.command, errand.cancel, errand.ack)]
        fixed = (errand.command_id, errand.entity, errand.state, errand.expires_at)
        self._connection.execute(_SAVE, (*fixed, errand.ack is None, *blobs))

    def _effect(self, errand: Errand) -> None:
        assert errand.command is not None
        assert errand.ack is not None
        self._connection.execute(
            "insert into effects values (?, ?, ?, ?)",
            (errand.command_id, errand.entity, errand.command.kind, errand.ack.at),
        )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("begin immediate")
        try:
            self._connection.executemany(
                "update errands set told = 1 where command_id = ? and ack = ?", self._told
            )
            yield
        except BaseException:
            self._connection.execute("rollback")
            raise
        self._connection.execute("commit")
        self._told.clear()


def _errand(row: tuple[str, str, str, int, bytes | None, bytes | None, bytes | None]) -> Errand:
    command_id, entity, state, expires_at, command, cancel, ack = row
    return msgspec.convert(
        {
            "command_id": command_id,
            "entity": entity,
            "state": state,
            "expires_at": expires_at,
            "command": command and decode_command(command),
            "cancel": cancel and decode_command(cancel),
            "ack": ack and decode_ack(ack),
        },
        Errand,
    )


def _blob(message: Command | Ack | None) -> bytes | None:
    return None if message is None else encode(message)
