"""Entity state in Cassandra: what changes at the same time in one partition, by one conditional batch."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final
from uuid import UUID, uuid4

from cassandra import ConsistencyLevel
from cassandra.cluster import Session
from cassandra.query import BatchStatement
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from storage.alarm_table import CassandraAlarms
from storage.audit_table import CassandraAudit
from storage.case_table import CassandraCases
from storage.entities import EMPTY, Change, Save, Snapshot
from storage.entity_layout import layout_of
from storage.entity_rows import snapshot
from storage.errors import RetryLaterError, StaleWriteError
from storage.failures import mapped, storage_error
from storage.flight import answers, execute_all
from storage.listing import Listing
from storage.order_table import CassandraOrders
from storage.permit_table import CassandraPermits
from storage.requests import requests
from storage.rows import was_applied
from storage.save_batches import MOST_ENTITIES, waves
from storage.scan import scan
from storage.settings import CassandraSettings
from storage.times import millis

_ATTEMPTS: Final = 4
_DAY_S: Final = 86_400


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
        self._layout = layout = layout_of(session, settings.keyspace)
        with mapped("preparing the statements of entities"):
            self._guard, self._load, self._glance, self._writer, self._taken_at, self._entities = map(
                session.prepare,
                (layout.guard, layout.load, layout.load, layout.writer, layout.taken_at, layout.entities),
            )
            self._take = session.prepare(layout.insert("alert", "taken_at"))
            self._put = session.prepare(layout.insert("command", "status", "body"))
            self._decide = session.prepare(layout.insert("operation", "taken_at", "body"))
        for select in (self._load, self._writer):
            select.consistency_level = ConsistencyLevel.LOCAL_SERIAL  # sees a save that is not yet settled

    def load(self, entity: str, *, settled: bool = True) -> Snapshot:
        """Return the entity as the last successful save left it; commands and operations are sorted by id."""
        values = self._layout.some_of([entity])
        with mapped(f"loading entity {entity!r}"):
            for _ in range(_ATTEMPTS):
                answer = self._session.execute(self._load if settled else self._glance, values)
                in_pages, rows = answer.has_more_pages, list(answer)
                if not in_pages or self._version(entity) == rows[0].version:
                    return snapshot(rows)
        raise RetryLaterError(f"entity {entity!r} changed {_ATTEMPTS} times while it was read: load it again")

    def load_all(self, entities: Sequence[str], *, settled: bool = True) -> list[Snapshot]:
        """Return what `load` returns for each of these entities, in their order; many at once."""
        select = self._load if settled else self._glance
        groups = list(self._groups(entities))
        reads = [(select, self._layout.some_of(group)) for group in groups]
        found: dict[str, Snapshot] = {}
        for group, answer in zip(groups, answers(self._session, reads, most=self._most), strict=True):
            found |= self._read(group, answer, settled=settled)
        return [found[entity] for entity in entities]

    def save(self, entity: str, expected_version: int, change: Change) -> int:
        """Apply the change if the entity is still at the expected version; return the new version."""
        (outcome,) = self.save_all([Save(entity, expected_version, change)])
        if isinstance(outcome, StaleWriteError):
            raise outcome
        return outcome

    def save_all(self, saves: Sequence[Save]) -> list[int | StaleWriteError]:
        """Apply changes of different entities, each for itself and many at once; return the new version or refusal of each.

        Those that share a batch are applied together or not at all; of a batch that was not, each is given again alone.
        """
        tagged = [(save, self._new_token()) for save in saves]
        outcomes: dict[int, int | StaleWriteError] = {}
        for wave in waves(saves, self._layout.partition_of):
            batches = [(self._batch([tagged[place] for place in places]), None) for places in wave]
            found = answers(self._session, batches, most=self._most)
            for places, answer in zip(wave, found, strict=True):
                first = answer if len(places) == 1 or _applied(answer) else None
                outcomes |= {place: self._settled(*tagged[place], first) for place in places}
        return [outcomes[place] for place in range(len(saves))]

    def taken_at(self, entity: str, alert_id: str) -> int | None:
        """Return when an alert was taken, in milliseconds since the epoch, or None."""
        with mapped(f"looking for alert {alert_id!r}"):
            row = self._session.execute(self._taken_at, (*self._layout.key_of(entity), alert_id)).one()
        return None if row is None else millis(row.taken_at)

    def entities(self) -> Iterator[str]:
        """Walk all entities once, in no order, without loading them all at a time."""
        return (row.entity for row in scan(self._session, self._entities))

    def _groups(self, entities: Sequence[str]) -> Iterator[list[str]]:
        """Yield what one request can ask for."""
        by_partition: dict[Any, list[str]] = {}
        for entity in entities:
            by_partition.setdefault(self._layout.partition_of(entity), []).append(entity)
        for own in by_partition.values():
            yield from (own[n : n + MOST_ENTITIES] for n in range(0, len(own), MOST_ENTITIES))

    def _read(self, entities: Sequence[str], answer: Any, *, settled: bool) -> dict[str, Snapshot]:
        """Read an answer to a load; when it can't be taken as it is, load each again."""
        meaning = storage_error(answer, "") if isinstance(answer, BaseException) else None
        if meaning is None and isinstance(answer, BaseException):
            raise answer
        if meaning is not None or answer.has_more_pages:
            return {entity: self.load(entity, settled=settled) for entity in entities}
        found = {entity: snapshot(list(rows)) for entity, rows in groupby(answer, lambda row: row.entity)}
        return {entity: found.get(entity, EMPTY) for entity in entities}

    def _version(self, entity: str) -> int:
        found = self._session.execute(self._writer, self._layout.key_of(entity)).one()
        return 0 if found is None else found.version or 0

    def _settled(self, save: Save, token: UUID, first: Any) -> int | StaleWriteError:
        """Return what became of a save, asking again while nobody knows; `first` is the answer to it if there is one."""
        if _applied(first):
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
                    answer = self._session.execute(self._batch([(save, token)]))
                taken, answer = answer, None
                return self._outcome(save, token, taken)
        raise AssertionError("it returns or raises")

    def _outcome(self, save: Save, token: UUID, answer: Any) -> int | StaleWriteError:
        if isinstance(answer, BaseException):
            raise answer
        if _applied(answer):
            return save.expected_version + 1
        found = self._session.execute(self._writer, self._layout.key_of(save.entity)).one()
        if found is not None and found.writer == token:
            return save.expected_version + 1
        return StaleWriteError(save.entity, save.expected_version, 0 if found is None else found.version or 0)

    def _batch(self, saves: Sequence[tuple[Save, UUID]]) -> BatchStatement:
        now, keep = self._clock(), self._retention
        batch = BatchStatement()
        for save, token in saves:
            key, expected, change = self._layout.key_of(save.entity), save.expected_version, save.change
            batch.add(self._guard, (expected + 1, token, change.state, *key, expected or None))
            for alert in change.alerts:
                batch.add(self._take, (*key, alert, now, keep.taken_alerts * _DAY_S))
            for row in change.commands:
                values = (*key, row.command_id, row.status, row.body, keep.commands * _DAY_S)
                batch.add(self._put, values)
            for decided in change.operations:
                values = (*key, decided.operation_id, now, decided.body, keep.commands * _DAY_S)
                batch.add(self._decide, values)
        return batch


def _applied(answer: Any) -> bool:
    return answer is not None and not isinstance(answer, BaseException) and was_applied(answer)


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
