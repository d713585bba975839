"""What alarms, answers, operators and time do to the commands of one entity, pure."""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from msgspec.structs import replace

from actors.alarm import Alarm, Alarms, digest
from actors.transitions import Transition
from models.actions import ENDED, Ack, Command, CommandKind
from models.operations import AuditEntry, CommandOperation
from models.orders import Order
from models.policies.commands import CommandPolicy
from models.policies.policies import Policies

Orders: TypeAlias = Mapping[str, Order]
"""Orders by the id of their command."""


def command_id(alarm: str, kind: CommandKind) -> str:
    """Name the command of this kind that an alarm leads to."""
    return f"command-{digest(alarm, kind)}"


def order(
    alarms: Alarms, transitions: Iterable[Transition], entity: str, now: int, policies: Policies
) -> dict[str, Order]:
    """Return the new orders that follow from what changed in an entity's alarms.

    Parameters
    ----------
    now
        Milliseconds since the epoch.
    """
    opened = [t.alarm for t in transitions if t.change == "opened" and not alarms.is_aside(t.alarm.condition)]
    orders = [_order(alarm, policy, entity, now) for alarm in opened for policy in _policies(alarm, policies)]
    return {each.command.command_id: each for each in orders}


def answer(orders: Orders, ack: Ack) -> dict[str, Order]:
    """Return the order that an answer changes; any but the first last word changes nothing."""
    known = orders.get(ack.command_id)
    if known is None or known.status in ENDED:
        return {}
    return {ack.command_id: replace(known, status=ack.outcome, changed_at=ack.at, reason=ack.reason)}


def operate(
    _orders: Orders, operation: CommandOperation, now: int, _policies: Policies
) -> tuple[dict[str, Order], AuditEntry]:
    """Apply an operation that was never taken before, or refuse it."""
    entry = AuditEntry(
        operation=operation,
        verdict="refused",
        reason=f"{operation.entity} has no such command",
        decided_at=now,
        before=None,
        after=None,
    )
    return {}, entry


def settle(_orders: Orders, _now: int, _policies: Policies) -> dict[str, Order]:
    """Return the orders that time alone has changed."""
    return {}


def sent(orders: Orders, command_ids: Iterable[str], now: int) -> dict[str, Order]:
    """Return the queued ones among these as sent."""
    found = (orders[name] for name in command_ids if name in orders)
    return {
        o.command.command_id: replace(o, status="sent", changed_at=now) for o in found if o.status == "queued"
    }


def queued(orders: Orders) -> list[Order]:
    """Return what still has to be published."""
    return [each for each in orders.values() if each.status == "queued"]


def latest_of(orders: Orders, alarm_id: str) -> Order | None:
    """Return the order that an alarm led to last."""
    of_alarm = (o for o in orders.values() if o.command.alarm_id == alarm_id)
    return max(of_alarm, key=lambda o: (o.command.issued_at, o.command.command_id), default=None)


def _policies(alarm: Alarm, policies: Policies) -> list[CommandPolicy]:
    return [policy for policy in policies.commands if alarm.condition in policy.models]


def _order(alarm: Alarm, policy: CommandPolicy, entity: str, now: int) -> Order:
    command = Command(
        command_id=command_id(alarm.alarm_id, policy.command),
        kind=policy.command,
        entity=entity,
        alarm_id=alarm.alarm_id,
        condition=alarm.condition,
        event_id=alarm.event_id,
        event_time=alarm.event_time,
        issued_at=now,
        expires_at=now + policy.expires_after,
    )
    return Order(command=command, status="queued", changed_at=now)
