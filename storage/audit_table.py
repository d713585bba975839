"""The audit in Cassandra: a partition a day of decision; indexes by operation and entity."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from cassandra.cluster import Session
from cassandra.query import BoundStatement

from models.operations import AlarmOperation, AuditEntry, decode_entry, encode
from storage.failures import mapped
from storage.scan import scan
from storage.score_rows import date_value
from storage.times import day_of

_APPEND: Final = """
INSERT INTO audit (
    day, decided_at, operation_id, entity, alarm_id, condition, action, who, why, verdict, reason, entry
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?
"""
_OF: Final = "SELECT entry FROM audit WHERE operation_id = ?"
_OF_ENTITY: Final = "SELECT entry FROM audit WHERE entity = ?"
_DAYS: Final = "SELECT DISTINCT day FROM audit"
_OF_DAY: Final = "SELECT entry FROM audit WHERE day = ? LIMIT ?"
_ALL: Final = "SELECT operation_id, entity, verdict FROM audit WHERE token(day) > ? AND token(day) <= ?"


class CassandraAudit:
    """`AuditStore` on the table `audit`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        with mapped("preparing the statements of the audit"):
            self._append, self._audited = session.prepare(_APPEND), session.prepare(_ALL)
            self._audit_of, self._audit_of_entity = session.prepare(_OF), session.prepare(_OF_ENTITY)
            self._audit_days, self._audit_of_day = session.prepare(_DAYS), session.prepare(_OF_DAY)
        self._append.is_idempotent = True

    def record_audit(self, entry: AuditEntry) -> None:
        """Append an entry; repeating it changes nothing."""
        with mapped(f"recording operation {entry.operation.operation_id!r}"):
            self._session.execute(self.audit_request(entry))

    def audit_request(self, entry: AuditEntry) -> BoundStatement:
        """Return the request that appends an entry; it may be executed in the company of others."""
        return self._append.bind(_values(entry))

    def audit_of(self, operation_id: str) -> AuditEntry | None:
        """Return what became of one operation, or None while it is not decided."""
        with mapped(f"looking for operation {operation_id!r}"):
            row = self._session.execute(self._audit_of, (operation_id,)).one()
        return None if row is None else decode_entry(row.entry)

    def audit_of_entity(self, entity: str) -> list[AuditEntry]:
        """Return the entries of one entity, newest first."""
        with mapped(f"listing the audit of {entity!r}"):
            return _newest_first(self._session.execute(self._audit_of_entity, (entity,)))

    def latest_audit(self, limit: int) -> list[AuditEntry]:
        """Return the entries decided last, newest first."""
        found: list[AuditEntry] = []
        with mapped("listing the latest audit entries"):
            days = sorted((row.day for row in self._session.execute(self._audit_days)), reverse=True)
            for day in days:
                if len(found) >= limit:
                    break
                rows = self._session.execute(self._audit_of_day, (day, limit - len(found)))
                found.extend(_newest_first(rows))
        return found

    def audited(self) -> Iterator[tuple[str, str, str]]:
        """Walk (operation id, entity, verdict) of all entries in no order, without loading them all at a time."""
        rows = scan(self._session, self._audited)
        return ((row.operation_id, row.entity, row.verdict) for row in rows)


def _values(entry: AuditEntry) -> tuple[Any, ...]:
    operation = entry.operation
    return (
        date_value(day_of(entry.decided_at)),
        entry.decided_at,
        operation.operation_id,
        operation.entity,
        operation.target,
        operation.condition if isinstance(operation, AlarmOperation) else None,
        operation.action,
        operation.who,
        operation.why,
        entry.verdict,
        entry.reason,
        encode(entry).decode(),
        entry.decided_at * 1000,
    )


def _newest_first(rows: Iterable[Any]) -> list[AuditEntry]:
    entries = (decode_entry(row.entry) for row in rows)
    return sorted(entries, key=lambda e: (-e.decided_at, e.operation.operation_id))
