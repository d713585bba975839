"""How the rows of an entity's partition become a snapshot."""

from collections.abc import Sequence
from typing import Any, Final

from storage.entities import EMPTY, CommandRow, OperationRow, Snapshot

ALERT: Final = "alert"
COMMAND: Final = "command"
OPERATION: Final = "operation"


def snapshot(rows: Sequence[Any]) -> Snapshot:
    """Return the entity; no rows mean that it was never saved."""
    if not rows or rows[0].version is None:
        return EMPTY
    return Snapshot(
        version=rows[0].version,
        state=rows[0].state,
        alerts=frozenset(row.id for row in rows if row.kind == ALERT),
        commands=tuple(CommandRow(row.id, row.status, row.body) for row in rows if row.kind == COMMAND),
        operations=tuple(OperationRow(row.id, row.body) for row in rows if row.kind == OPERATION),
    )
