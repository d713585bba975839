"""The in-memory twin of the audit."""

from collections.abc import Iterator

from models.operations import AuditEntry


class MemoryAudit:
    """Audit entries in a dictionary."""

    def __init__(self) -> None:
        self._entries: dict[str, AuditEntry] = {}

    def record_audit(self, entry: AuditEntry) -> None:
        """Append an entry; repeating it changes nothing."""
        self._entries[entry.operation.operation_id] = entry

    def audit_of(self, operation_id: str) -> AuditEntry | None:
        """Return what became of one operation, or None while it is not decided."""
        return self._entries.get(operation_id)

    def audit_of_entity(self, entity: str) -> list[AuditEntry]:
        """Return the entries of one entity, newest first."""
        return [entry for entry in self._audit() if entry.operation.entity == entity]

    def latest_audit(self, limit: int) -> list[AuditEntry]:
        """Return the entries decided last, newest first."""
        return self._audit()[:limit]

    def audited(self) -> Iterator[tuple[str, str, str]]:
        """Walk (operation id, entity, verdict) of all entries."""
        return iter([(name, entry.operation.entity, entry.verdict) for name, entry in self._entries.items()])

    def _audit(self) -> list[AuditEntry]:
        entries = list(self._entries.values())
        return sorted(entries, key=lambda e: (-e.decided_at, e.operation.operation_id))
