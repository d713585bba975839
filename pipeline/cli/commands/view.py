"""The texts of `commands`."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from models import orders
from models.operations import ALL_COMMANDS, AuditEntry
from models.orders import Order
from pipeline.cli.alarms.view import at
from pipeline.commands import Told
from storage.orders import OrderRow
from storage.permits import Stop


def table(rows: Sequence[OrderRow]) -> Iterator[str]:
    """Return a line a command."""
    wide = max((len(row.entity) for row in rows), default=0)
    for row in rows:
        order = orders.decode(row.body)
        yield (
            f"{at(row.issued_at)}  {_stands(order):<17}  {row.kind:<19}  {row.entity:<{wide}}  "
            f"by {order.command.by:<8}  {row.command_id}{_because(order)}"
        )


def story(told: Told) -> Iterator[str]:
    """Return everything about one command."""
    order, command = told.order, told.order.command
    yield f"{command.command_id}  {_what(order)} {command.entity}: {_stands(order)}{_because(order)}"
    yield f"  {at(command.issued_at)}  issued by {command.by}{_cause(order)}, policy {order.policy or 'none'}"
    for moment, text in sorted(_moments(order)):
        yield f"  {at(moment)}  {text}"
    for entry in told.audit:
        yield f"  {at(entry.decided_at)}  {_deed(entry)}"


def as_dict(told: Told) -> dict[str, Any]:
    """Return one command as plain values."""
    return {
        "order": msgspec.to_builtins(told.order),
        "due_at": told.row.due_at,
        "audit": [msgspec.to_builtins(entry) for entry in told.audit],
    }


def row_as_dict(row: OrderRow) -> dict[str, Any]:
    """Return one row of the list as plain values."""
    found: dict[str, Any] = msgspec.to_builtins(orders.decode(row.body))
    return {**found, "due_at": row.due_at}


def outcome(entry: AuditEntry) -> str:
    """Return what an applied operation did."""
    operation = entry.operation
    if operation.target == ALL_COMMANDS:
        return f"all commands: {_change(entry)}"
    return f"{operation.target}  {operation.entity}  {operation.action}: {_change(entry)}"


def stopped(stop: Stop) -> str:
    """Return that all commands are stopped, since when, by whom and why."""
    return f"all commands are stopped since {at(stop.at)} by {stop.who}: {stop.why}"


def _stands(order: Order) -> str:
    return order.status if order.effect in {None, "awaited"} else f"{order.status}, {order.effect}"


def _because(order: Order) -> str:
    return f"  ({order.reason})" if order.reason else ""


def _what(order: Order) -> str:
    command = order.command
    if command.cancels is not None:
        return f"drop {command.cancels} of"
    return f"{command.kind} to undo {command.reverts} of" if command.reverts else f"{command.kind} of"


def _cause(order: Order) -> str:
    return "" if order.command.alarm_id is None else f" for {order.command.alarm_id}"


def _moments(order: Order) -> Iterator[tuple[int, str]]:
    times = "" if order.sends == 1 else f", {order.sends} times by now"
    known = {
        f"expires{', ' + ' and '.join(order.approvals) + ' approved it' if order.approvals else ''}": order.command.expires_at,
        "let go": order.released_at,
        f"sent first{times}": order.sent_at,
        "will be sent again": order.resend_at,
        "its last word": order.answered_at,
        f"undone by {order.reverted_by}" if order.reverted_by else "will be undone": order.reverts_at,
        "counts as effective unless its alarm goes on": order.verify_until
        if order.effect == "awaited"
        else None,
    }
    yield from ((moment, text) for text, moment in known.items() if moment is not None)


def _deed(entry: AuditEntry) -> str:
    operation = entry.operation
    why = f" ({operation.why})" if operation.why else ""
    became = f"refused: {entry.reason}" if entry.verdict == "refused" else _change(entry)
    return f"{operation.who}: {operation.action}{why}; {became}"


def _change(entry: AuditEntry) -> str:
    if entry.before == entry.after:
        return f"stays {entry.after or 'as it was'}"
    return f"{entry.before or 'nothing'} -> {entry.after}"
