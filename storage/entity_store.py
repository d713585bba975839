"""Entity state in Cassandra: a partition an entity, changed by one conditional batch."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final
from uuid import UUID, uuid4

from cassandra import ConsistencyLevel
from cassandra.cluster import Session
from cassandra.query import BatchStatement
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from storage.alarm_table import CassandraAlarms
from storage.audit_table import CassandraAudit
from storage.case_table import CassandraCases
from storage.entities import Change, Save, Snapshot
from storage.entity_rows import is_whole, snapshot
from storage.errors import RetryLaterError, StaleWriteError
from storage.failures import mapped, storage_error
from storage.flight import answers, execute_all
from storage.listing import Listing
from storage.order_table import CassandraOrders
from storage.permit_table import CassandraPermits
from storage.requests import requests
from storage.rows import was_applied
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
        self._most = settings.requests_in_flight
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

    def load_all(self, entities: Sequence[str], *, settled: bool = True) -> list[Snapshot]:
        """Return what `load` returns for each of these entities, in their order; many at once."""
        select = self._load if settled else self._glance
        found = answers(self._session, [(select, (entity,)) for entity in entities], most=self._most)
        return [
            self._read(entity, answer, settled=settled)
            for entity, answer in zip(entities, found, strict=True)
        ]

    def save(self, entity: str, expected_version: int, change: Change) -> int:
        """Apply the change if the entity is still at the expected version; return the new version."""
        (outcome,) = self.save_all([Save(entity, expected_version, change)])
        if isinstance(outcome, StaleWriteError):
            raise outcome
        return outcome

    def save_all(self, saves: Sequence[Save]) -> list[int | StaleWriteError]:
        """Apply changes of different entities, each for itself and many at once; return the new version or refusal of each."""
        tokens = [self._new_token() for _ in saves]
        batches = [self._batch(save, token) for save, token in zip(saves, tokens, strict=True)]
        found = answers(self._session, [(batch, None) for batch in batches], most=self._most)
        return [
            self._settled(save, token, batch, answer)
            for save, token, batch, answer in zip(saves, tokens, batches, found, strict=True)
        ]

    def taken_at(self, entity: str, alert_id: str) -> int | None:
        """Return when an alert was taken, in milliseconds since the epoch, or None."""
        with mapped(f"looking for alert {alert_id!r}"):
            row = self._session.execute(self._taken_at, (entity, alert_id)).one()
        return None if row is None else millis(row.taken_at)

    def entities(self) -> Iterator[str]:
        """Walk all entities once, in no order, without loading them all at a time."""
        return (row.entity for row in scan(self._session, self._entities))

    def _read(self, entity: str, answer: Any, *, settled: bool) -> Snapshot:
        """Read an answer to a load; when it can't be taken as it is, load again."""
        meaning = storage_error(answer, "") if isinstance(answer, BaseException) else None
        if meaning is None and isinstance(answer, BaseException):
            raise answer
        if meaning is None:
            with mapped(f"loading entity {entity!r}"):
                rows = list(answer)
            if is_whole(rows):
                return snapshot(rows)
        return self.load(entity, settled=settled)

    def _settled(self, save: Save, token: UUID, batch: BatchStatement, first: Any) -> int | StaleWriteError:
        """Return what became of a save, asking again while nobody knows."""
        if not isinstance(first, BaseException) and was_applied(first):
            return save.expected_version + 1
        answer = first
        attempts = Retrying(
            retry=retry_if_exception_type(RetryLaterError),
            stop=stop_after_attempt(_ATTEMPTS),
            wait=wait_random_exponential(multiplier=0.05, max=1),
            reraise=True,
        )
        for attempt in attempts:
            with attempt, mapped(f"saving entity {save.entity!r}"):
                if answer is None:
                    answer = self._session.execute(batch)
                taken, answer = answer, None
                return self._outcome(save, token, taken)
        raise AssertionError("it returns or raises")

    def _outcome(self, save: Save, token: UUID, answer: Any) -> int | StaleWriteError:
        if isinstance(answer, BaseException):
            raise answer
        if was_applied(answer):
            return save.expected_version + 1
        found = self._session.execute(self._writer, (save.entity,)).one()
        if found is not None and found.writer == token:
            return save.expected_version + 1
        return StaleWriteError(save.entity, save.expected_version, 0 if found is None else found.version or 0)

    def _batch(self, save: Save, token: UUID) -> BatchStatement:
        now, keep = self._clock(), self._retention
        entity, expected, change = save.entity, save.expected_version, save.change
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
        self._settings = settings
        CassandraEntityState.__init__(self, session, settings, clock, new_token)
        CassandraAlarms.__init__(self, session)
        CassandraCases.__init__(self, session, settings)
        CassandraOrders.__init__(self, session)
        CassandraPermits.__init__(self, session, clock)
        CassandraAudit.__init__(self, session)

    def record(self, listing: Listing) -> None:
        """Record rows for lists: those of a day, of whichever table, are one request as far as they fit."""
        rows = [
            *map(self.alarm_request, listing.alarms),
            *map(self.order_request, listing.orders),
            *map(self.case_request, listing.cases),
            *(self.piece_request(case, each) for case, pieces in listing.evidence.items() for each in pieces),
            *map(self.audit_request, listing.audit),
        ]
        execute_all(
            self._session,
            requests(self._session, self._settings, rows),
            most=self._most,
            doing=f"recording {len(rows)} rows for lists",
        )
