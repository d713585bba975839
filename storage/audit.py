"""The port of the audit: what became of each operation, append-only."""

from collections.abc import Iterator
from typing import Protocol

from models.operations import AuditEntry


class AuditStore(Protocol):
    """Audit entries; nothing changes one that is there."""

    def record_audit(self, entry: AuditEntry) -> None:
        """Append an entry; repeating it changes nothing."""
        ...

    def audit_of(self, operation_id: str) -> AuditEntry | None:
        """Return what became of one operation, or None while it is not decided."""
        ...

    def audit_of_entity(self, entity: str) -> list[AuditEntry]:
        """Return the entries of one entity, newest first."""
        ...

    def latest_audit(self, limit: int) -> list[AuditEntry]:
        """Return the entries decided last, newest first."""
        ...

    def audited(self) -> Iterator[tuple[str, str, str]]:
        """Walk (operation id, entity, verdict) of all entries in no order, without loading them all at a time."""
        ...
