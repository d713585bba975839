"""The table of applied migrations, and the lock on it that lets one process at a time change the schema."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from uuid import NAMESPACE_DNS, UUID, uuid5

from cassandra import ConsistencyLevel
from cassandra.cluster import Session
from cassandra.query import BatchStatement, SimpleStatement
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random

from storage.agreement import change
from storage.errors import RetryLaterError
from storage.migration_files import Applied, Migration
from storage.rows import was_applied

LEASE_S: Final = 60
"""Seconds after which the lock of a process that died is free again."""

_SCOPE: Final = "schema"
_CREATE: Final = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    scope text,
    holder uuid static,
    number int,
    name text,
    checksum text,
    applied_at timestamp,
    PRIMARY KEY (scope, number)
) WITH id = {table_id}
"""
_TAKE: Final = "UPDATE schema_migrations USING TTL %s SET holder = %s WHERE scope = %s IF holder = null"
_HOLD: Final = "UPDATE schema_migrations USING TTL %s SET holder = %s WHERE scope = %s IF holder = %s"
_FREE: Final = "UPDATE schema_migrations SET holder = null WHERE scope = %s IF holder = %s"
_ADD: Final = (
    "INSERT INTO schema_migrations (scope, number, name, checksum, applied_at) VALUES (%s, %s, %s, %s, %s)"
)
_APPLIED: Final = "SELECT number, name, checksum FROM schema_migrations WHERE scope = %s"


class MigrationLock:
    """The lock while it is held."""

    def __init__(self, session: Session, holder: UUID) -> None:
        self._session = session
        self._holder = holder

    def applied(self) -> dict[int, Applied]:
        """Return the applied migrations by number."""
        read = SimpleStatement(_APPLIED, consistency_level=ConsistencyLevel.LOCAL_SERIAL)
        rows = self._session.execute(read, (_SCOPE,))
        return {row.number: Applied(row.name, row.checksum) for row in rows if row.number is not None}

    def extend(self) -> None:
        """Hold the lock for another lease; `RetryLaterError` when it was lost."""
        self._insist(self._session.execute(_HOLD, (LEASE_S, self._holder, _SCOPE, self._holder)))

    def record(self, migration: Migration, now_ms: int) -> None:
        """Note a migration as applied, if the lock is still held."""
        batch = BatchStatement()
        batch.add(SimpleStatement(_HOLD), (LEASE_S, self._holder, _SCOPE, self._holder))
        values = (_SCOPE, migration.number, migration.name, migration.checksum, now_ms)
        batch.add(SimpleStatement(_ADD), values)
        self._insist(self._session.execute(batch))

    def _insist(self, answer: Any) -> None:
        if not was_applied(answer):
            raise RetryLaterError("another process took the lock of the migrations over: run them again")


@contextmanager
def locked(session: Session, keyspace: str, holder: UUID, *, patience_s: float) -> Iterator[MigrationLock]:
    """Hold the lock of a keyspace's migrations.

    Parameters
    ----------
    holder
        Names this run; never the same twice.
    patience_s
        Seconds to wait for another process before `RetryLaterError`.
    """
    change(session, _CREATE.format(table_id=uuid5(NAMESPACE_DNS, f"schema_migrations.{keyspace}")))
    attempts = Retrying(
        retry=retry_if_exception_type(RetryLaterError),
        stop=stop_after_delay(patience_s),
        wait=wait_random(0.1, 0.5),
        reraise=True,
    )
    attempts(_take, session, holder)
    try:
        yield MigrationLock(session, holder)
    finally:
        session.execute(_FREE, (_SCOPE, holder))


def _take(session: Session, holder: UUID) -> None:
    if not was_applied(session.execute(_TAKE, (LEASE_S, holder, _SCOPE))):
        raise RetryLaterError(
            f"another process has been migrating all the time; its lock ends {LEASE_S} s after its last step"
        )
