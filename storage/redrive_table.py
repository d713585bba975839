"""The redrives in Cassandra: a row a letter, written by conditional statements alone."""

from collections.abc import Iterator
from dataclasses import astuple, fields
from typing import Any, Final

from cassandra import ConsistencyLevel
from cassandra.cluster import Session
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from storage.errors import RetryLaterError
from storage.failures import mapped
from storage.redrives import Redrive
from storage.rows import was_applied
from storage.scan import scan
from storage.times import millis

_ATTEMPTS: Final = 4
_NAMES: Final = [f.name for f in fields(Redrive)]
_COLUMNS: Final = ", ".join(_NAMES)
_CLAIM: Final = f"INSERT INTO redrives ({_COLUMNS}) VALUES ({', '.join('?' for _ in _NAMES)}) IF NOT EXISTS"  # noqa: S608 - the columns are a constant
_TAKE_OVER: Final = (
    f"UPDATE redrives SET {', '.join(f'{name} = ?' for name in _NAMES[1:])} "  # noqa: S608 - the columns are a constant
    "WHERE letter_id = ? IF claim = ? AND sent_at = null"
)
_SETTLE: Final = "UPDATE redrives SET sent_at = ?, partition = ?, offset = ? WHERE letter_id = ? IF claim = ?"
_OF: Final = f"SELECT {_COLUMNS} FROM redrives WHERE letter_id = ?"  # noqa: S608 - the columns are a constant
_ALL: Final = f"SELECT {_COLUMNS} FROM redrives WHERE token(letter_id) > ? AND token(letter_id) <= ?"  # noqa: S608 - the columns are a constant


class CassandraRedrives:
    """`RedriveStore` on the table `redrives`.

    A conditional write whose answer was lost is repeated: each claim has a name of its own, so that a refused
    repetition which finds its own name stored knows that the first try was applied.

    Parameters
    ----------
    session
        Of a keyspace that has all migrations.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        with mapped("preparing the statements of redrives"):
            self._claim, self._take_over, self._settle = map(session.prepare, (_CLAIM, _TAKE_OVER, _SETTLE))
            self._of, self._all = session.prepare(_OF), session.prepare(_ALL)
        self._of.consistency_level = ConsistencyLevel.LOCAL_SERIAL  # sees a claim that is not yet settled

    def claim(self, redrive: Redrive) -> Redrive:
        """Store a redrive unless the letter has one, and return the one that it has now."""
        self._conditionally(self._claim, astuple(redrive), redrive.letter_id)
        return self._there(redrive.letter_id)

    def take_over(self, held: Redrive, redrive: Redrive) -> Redrive:
        """Put a redrive in place of one that was never sent, and return the one that the letter has now."""
        values = (*astuple(redrive)[1:], held.letter_id, held.claim)
        self._conditionally(self._take_over, values, held.letter_id)
        return self._there(held.letter_id)

    def settle(self, redrive: Redrive) -> bool:
        """Note when and where it was sent; return whether the letter still has this claim."""
        where = (redrive.sent_at, redrive.partition, redrive.offset)
        return self._conditionally(
            self._settle, (*where, redrive.letter_id, redrive.claim), redrive.letter_id
        )

    def of(self, letter_id: str) -> Redrive | None:
        """Return the redrive of one letter, or None."""
        with mapped(f"looking for the redrive of {letter_id!r}"):
            row = self._session.execute(self._of, (letter_id,)).one()
        return None if row is None else _redrive(row)

    def all(self) -> Iterator[Redrive]:
        """Walk all redrives in no order."""
        return map(_redrive, scan(self._session, self._all))

    def _there(self, letter_id: str) -> Redrive:
        found = self.of(letter_id)
        if found is None:
            raise RetryLaterError(f"the redrive of {letter_id!r} vanished while it was written: try again")
        return found

    def _conditionally(self, statement: Any, values: tuple[Any, ...], letter_id: str) -> bool:
        attempts = Retrying(
            retry=retry_if_exception_type(RetryLaterError),
            stop=stop_after_attempt(_ATTEMPTS),
            wait=wait_random_exponential(multiplier=0.05, max=1),
            reraise=True,
        )
        applied: bool = attempts(self._once, statement, values, letter_id)
        return applied

    def _once(self, statement: Any, values: tuple[Any, ...], letter_id: str) -> bool:
        with mapped(f"writing the redrive of {letter_id!r}"):
            return was_applied(self._session.execute(statement, values))


def _redrive(row: Any) -> Redrive:
    values = {name: getattr(row, name) for name in _NAMES}
    values["claimed_at"] = millis(row.claimed_at)
    values["sent_at"] = None if row.sent_at is None else millis(row.sent_at)
    return Redrive(**values)
