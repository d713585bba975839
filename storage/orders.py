"""The port of commands as lists show them: one row a command, found by id, entity or status, or because it is due."""

from dataclasses import dataclass, field
from typing import Protocol

from models.actions import CommandKind, CommandStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRow:
    """A command at one version of its entity. Times are milliseconds since the epoch.

    Attributes
    ----------
    issued_at
        It places the command, so it never changes.
    version
        The entity's version that this row describes: an older one never overwrites a newer one. Not part of
        the row's hash, for every save makes a new one.
    changed_at
        When it came into its status.
    body
        The encoded order.
    due_at
        When time alone will change it; None when it will not.
    """

    command_id: str
    entity: str
    kind: CommandKind
    issued_at: int
    version: int = field(hash=False)
    status: CommandStatus
    changed_at: int
    body: str
    due_at: int | None = None


class OrderStore(Protocol):
    """Commands for lists and stories."""

    def record_order(self, order: OrderRow) -> None:
        """Store or update one command; repeating it changes nothing."""
        ...

    def order(self, command_id: str) -> OrderRow | None:
        """Return one command, or None when it is not listed."""
        ...

    def orders_of(self, entity: str) -> list[OrderRow]:
        """Return the commands of one entity, newest first."""
        ...

    def orders_in(self, status: CommandStatus) -> list[OrderRow]:
        """Return all commands in one status, newest first; ask for ended ones by `latest_orders`."""
        ...

    def latest_orders(self, limit: int) -> list[OrderRow]:
        """Return the commands issued last, newest first."""
        ...

    def due_orders(self, now: int, limit: int) -> list[OrderRow]:
        """Return commands whose due time has come, in no order."""
        ...
