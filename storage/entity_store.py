"""Entity state in Cassandra: a partition an entity, changed by one conditional batch."""

from collections.abc import Callable, Iterator
from typing import Any, Final
from uuid import UUID, uuid4

from cassandra import ConsistencyLevel
from cassandra.cluster import Session
from cassandra.query import BatchStatement
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from storage.alarm_table import CassandraAlarms
from storage.audit_table import CassandraAudit
from storage.case_table import CassandraCases
from storage.entities import Change, Snapshot
from storage.entity_rows import is_whole, snapshot
from storage.errors import RetryLaterError, StaleWriteError
from storage.failures import mapped
from storage.order_table import CassandraOrders
from storage.permit_table import CassandraPermits
from storage.scan import scan
from storage.settings import CassandraSettings
from storage.times import millis

_ATTEMPTS: Final = 4
_DAY_S: Final = 86_400
_GUARD: Final = "UPDATE entity_state SET version = ?, writer = ?, state = ? WHERE entity = ? IF version = ?"
_TAKE: Final = "INSERT INTO entity_state (entity, kind, id, taken_at) VALUES (?, 'alert', ?, ?) USING TTL ?"
_PUT: Final = (
    "INSERT INTO entity_state (entity, kind, id, status, body) VALUES (?, 'command', ?, ?, ?) USING TTL ?"
)
_DECIDE: Final = (
    "INSERT INTO entity_state (entity, kind, id, taken_at, body) VALUES (?, 'operation', ?, ?, ?) USING TTL ?"
)
_LOAD: Final = "SELECT version, state, kind, id, status, body FROM entity_state WHERE entity = ?"
_WRITER: Final = "SELECT version, writer FROM entity_state WHERE entity = ? LIMIT 1"
_TAKEN_AT: Final = "SELECT taken_at FROM entity_state WHERE entity = ? AND kind = 'alert' AND id = ?"
_ENTITIES: Final = "SELECT DISTINCT entity FROM entity_state WHERE token(entity) > ? AND token(entity) <= ?"


class CassandraEntityState:
    """The part of `EntityStore` that keeps and changes entities.

    A save whose answer was lost is settled, not guessed: each save carries a token of its own, and a refused
    retry that finds its own token stored knows that the first try was applied.

    Parameters
    ----------
    clock
        Milliseconds since the epoch.
    new_token
        Names one save; never the same twice.
    """

    def __init__(
        self,
        session: Session,
        settings: CassandraSettings,
        clock: Callable[[], int],
        new_token: Callable[[], UUID],
    ) -> None:
        self._session = session
        self._retention = settings.retention
        self._clock = clock
        self._new_token = new_token
        with mapped("preparing the statements of entities"):
            self._guard, self._take, self._put, self._entities = map(
                session.prepare, (_GUARD, _TAKE, _PUT, _ENTITIES)
            )
            self._decide = session.prepare(_DECIDE)
            self._load, self._writer, self._taken_at = map(session.prepare, (_LOAD, _WRITER, _TAKEN_AT))
            self._glance = session.prepare(_LOAD)
        for select in (self._load, self._writer):
            select.consistency_level = ConsistencyLevel.LOCAL_SERIAL  # sees a save that is not yet settled

    def load(self, entity: str, *, settled: bool = True) -> Snapshot:
        """Return the entity as the last successful save left it; commands and operations are sorted by id."""
        select = self._load if settled else self._glance
        with mapped(f"loading entity {entity!r}"):
            for _ in range(_ATTEMPTS):
                rows = list(self._session.execute(select, (entity,)))
                if is_whole(rows):
                    return snapshot(rows)
        raise RetryLaterError(f"entity {entity!r} changed {_ATTEMPTS} times while it was read: load it again")

    def save(self, entity: str, expected_version: int, change: Change) -> int:
        """Apply the change if the entity is still at the expected version; return the new version."""
        token = self._new_token()
        batch = self._batch(entity, expected_version, change, token)
        attempts = Retrying(
            retry=retry_if_exception_type(RetryLaterError),
            stop=stop_after_attempt(_ATTEMPTS),
            wait=wait_random_exponential(multiplier=0.05, max=1),
            reraise=True,
        )
        version: int = attempts(self._attempt, entity, expected_version, token, batch)
        return version

    def taken_at(self, entity: str, alert_id: str) -> int | None:
        """Return when an alert was taken, in milliseconds since the epoch, or None."""
        with mapped(f"looking for alert {alert_id!r}"):
            row = self._session.execute(self._taken_at, (entity, alert_id)).one()
        return None if row is None else millis(row.taken_at)

    def entities(self) -> Iterator[str]:
        """Walk all entities once, in no order, without loading them all at a time."""
        return (row.entity for row in scan(self._session, self._entities))

    def _attempt(self, entity: str, expected: int, token: UUID, batch: BatchStatement) -> int:
        with mapped(f"saving entity {entity!r}"):
            if self._session.execute(batch).was_applied:
                return expected + 1
            found = self._session.execute(self._writer, (entity,)).one()
        if found is not None and found.writer == token:
            return expected + 1
        raise StaleWriteError(entity, expected, 0 if found is None else found.version or 0)

    def _batch(self, entity: str, expected: int, change: Change, token: UUID) -> BatchStatement:
        now, keep = self._clock(), self._retention
        batch = BatchStatement()
        batch.add(self._guard, (expected + 1, token, change.state, entity, expected or None))
        for alert in change.alerts:
            batch.add(self._take, (entity, alert, now, keep.taken_alerts * _DAY_S))
        for row in change.commands:
            values: tuple[Any, ...] = (entity, row.command_id, row.status, row.body, keep.commands * _DAY_S)
            batch.add(self._put, values)
        for decided in change.operations:
            values = (entity, decided.operation_id, now, decided.body, keep.commands * _DAY_S)
            batch.add(self._decide, values)
        return batch


class CassandraEntityStore(
    CassandraEntityState, CassandraAlarms, CassandraCases, CassandraOrders, CassandraPermits, CassandraAudit
):
    """`EntityStore` on the tables of entities, alarms, cases, commands, permits and the audit; safe for threads.

    Parameters
    ----------
    session
        Of a keyspace that has all migrations.
    clock
        Milliseconds since the epoch.
    new_token
        Names one save; never the same twice.
    """

    def __init__(
        self,
        session: Session,
        settings: CassandraSettings,
        clock: Callable[[], int],
        new_token: Callable[[], UUID] = uuid4,
    ) -> None:
        CassandraEntityState.__init__(self, session, settings, clock, new_token)
        CassandraAlarms.__init__(self, session)
        CassandraCases.__init__(self, session, settings)
        CassandraOrders.__init__(self, session)
        CassandraPermits.__init__(self, session, clock)
        CassandraAudit.__init__(self, session)
