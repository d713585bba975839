"""What operators see of commands and do with them: one at a time through its entity's actor, or all at once by a stop.

A stop does not wait behind other operations, or for an actor: it is stored at once, and every worker looks for it each
second and before it takes a permit.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from models import orders
from models.actions import ENDED, CommandKind, CommandStatus
from models.operations import ALL_COMMANDS, AuditEntry, CommandAction, CommandOperation
from models.orders import BY_POLICY, Order
from pipeline.asking import Desk, ask
from pipeline.errors import RefuseUsageError
from storage.entities import EntityStore
from storage.orders import OrderRow
from storage.permits import Stop

UNENDED: Final[tuple[CommandStatus, ...]] = ("awaiting_approval", "held", "queued", "sent", "delivered")
"""States in which something is still to come."""

SEARCHED: Final = 10_000
"""How many of the commands issued last are searched for ended ones."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What an operator wants of a command, and why; see `models.operations.CommandOperation`."""

    action: CommandAction
    entity: str
    command_id: str
    who: str
    why: str = ""
    kind: CommandKind | None = None
    alarm_id: str | None = None


class Told(NamedTuple):
    """A command with everything that is known of it.

    Attributes
    ----------
    audit
        What operators did with it, oldest first.
    """

    row: OrderRow
    order: Order
    audit: list[AuditEntry]


def listed(store: EntityStore, statuses: Iterable[CommandStatus]) -> list[OrderRow]:
    """Return the commands in these states, newest first; without a state all that have not ended."""
    asked = tuple(dict.fromkeys(statuses)) or UNENDED
    found = [row for status in asked if status not in ENDED for row in store.orders_in(status)]
    ended = {status for status in asked if status in ENDED}
    if ended:
        found.extend(row for row in store.latest_orders(SEARCHED) if row.status in ended)
    return sorted(found, key=lambda row: (-row.issued_at, row.command_id))


def told(store: EntityStore, name: str) -> list[Told]:
    """Return one command by its id, or all of an entity, newest first.

    Raises
    ------
    RefuseUsageError
        When there is neither.
    """
    rows = _named(store, name)
    entries = store.audit_of_entity(rows[0].entity)[::-1]
    return [
        Told(
            row,
            orders.decode(row.body),
            [entry for entry in entries if entry.operation.target == row.command_id],
        )
        for row in rows
    ]


def chosen(store: EntityStore, name: str, statuses: Iterable[CommandStatus]) -> OrderRow:
    """Return the command that an operator names: by its id, or as the only one of an entity in one of these states.

    Raises
    ------
    RefuseUsageError
        When there is none, or more than one.
    """
    rows, wanted = _named(store, name), tuple(statuses)
    if len(rows) == 1:
        return rows[0]
    fitting = [row for row in rows if row.status in wanted]
    if len(fitting) != 1:
        found = ", ".join(f"{row.command_id} ({row.kind}, {row.status})" for row in fitting or rows[:5])
        raise RefuseUsageError(
            f"{name} has {len(fitting)} commands that are {' or '.join(wanted)}, name one: {found}"
        )
    return fitting[0]


def operate(desk: Desk, wish: Wish, wait_s: float) -> AuditEntry:
    """Send a wish to the actor and return what became of it.

    Raises
    ------
    ServerAwayError
        When no actor runs (nothing was sent), or none has answered in time (it will never be applied).
    """
    return ask(desk, _operation(desk, wish, wait_s))


def stop_all(desk: Desk, *, who: str, why: str) -> AuditEntry:
    """Stop all commands, from now on and until `resume`."""
    return _stop(desk, "stop_all", who, why)


def resume(desk: Desk, *, who: str, why: str) -> AuditEntry:
    """Let commands go again."""
    return _stop(desk, "resume", who, why)


def _stop(desk: Desk, action: Literal["stop_all", "resume"], who: str, why: str) -> AuditEntry:
    if not why.strip():
        raise RefuseUsageError("say why: it concerns everybody")
    if not who.strip() or who.strip().casefold() == BY_POLICY:
        raise RefuseUsageError(f"nobody is called {who!r}: say who you are")
    now = desk.clock()
    before = desk.store.command_stop().stopped
    desk.store.set_command_stop(Stop(stopped=action == "stop_all", who=who, why=why, at=now))
    entry = AuditEntry(
        operation=CommandOperation(
            operation_id=desk.new_id(),
            entity=ALL_COMMANDS,
            who=who,
            why=why,
            asked_at=now,
            expires_at=now,
            action=action,
            command_id=ALL_COMMANDS,
        ),
        verdict="applied",
        reason="",
        decided_at=now,
        before="stopped" if before else "running",
        after="stopped" if action == "stop_all" else "running",
    )
    desk.store.record_audit(entry)
    return entry


def _operation(desk: Desk, wish: Wish, wait_s: float) -> CommandOperation:
    now = desk.clock()
    return CommandOperation(
        operation_id=desk.new_id(),
        entity=wish.entity,
        who=wish.who,
        why=wish.why,
        asked_at=now,
        expires_at=now + round(wait_s * 1_000),
        action=wish.action,
        command_id=wish.command_id,
        kind=wish.kind,
        alarm_id=wish.alarm_id,
    )


def _named(store: EntityStore, name: str) -> list[OrderRow]:
    order = store.order(name)
    rows = store.orders_of(name) if order is None else [order]
    if not rows:
        raise RefuseUsageError(
            f"there is no command {name} and no command of an entity {name}: `fastdata commands list` names them"
        )
    return rows
