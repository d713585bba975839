"""What time does to commands, pure: they expire, time out, are sent again, undone and found to have had an effect."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from msgspec.structs import replace

from actors.order_errands import revert_of
from actors.order_release import LOOK_MS, Orders, Rules, release, stop_keeps
from models.actions import CommandStatus
from models.orders import Order

QUEUED_MS: Final = 30_000
"""A command that is to be published is looked at after so long, should whoever had it in hand be gone."""


def settle(orders: Orders, rules: Rules) -> dict[str, Order]:
    """Return the orders that time, or the end of a stop, has changed, and those that undo others."""
    known, changed = dict(orders), {}
    for order in orders.values():
        settle_one = _SETTLE.get(order.status)
        after = order if settle_one is None else settle_one(order, known, rules)
        if after is order:
            continue
        new = [after]
        if after.reverted_by != order.reverted_by:
            new.append(release(revert_of(order, rules, by=None), known, rules))
        for each in new:
            known[each.command_id] = changed[each.command_id] = each
    return changed


def due_at(order: Order) -> int | None:
    """Return when time alone will change an order, milliseconds since the epoch."""
    return min((at for at in _deadlines(order) if at is not None), default=None)


def _deadlines(order: Order) -> tuple[int | None, ...]:
    match order.status:
        case "awaiting_approval":
            return (order.command.expires_at,)
        case "held":
            return order.look_at, order.command.expires_at
        case "queued":
            return order.changed_at + QUEUED_MS, order.command.expires_at, order.times_out_at
        case "sent" | "delivered":
            return order.times_out_at, order.resend_at
        case "succeeded":
            return (
                None if order.reverted_by is not None else order.reverts_at,
                order.verify_until if order.effect == "awaited" else None,
            )
        case _:
            return ()


def _awaiting(order: Order, _orders: Orders, rules: Rules) -> Order:
    return _expired(order, rules, "not enough people have approved it") or order


def _held(order: Order, orders: Orders, rules: Rules) -> Order:
    if (expired := _expired(order, rules, order.reason)) is not None:
        return expired
    looks = order.look_at is None or order.look_at <= rules.now or stop_keeps(order, rules)
    return release(order, orders, rules) if looks else order


def _queued(order: Order, orders: Orders, rules: Rules) -> Order:
    if (
        over := _timed_out(order, rules) or _expired(order, rules, "no answer has come before it expired")
    ) is not None:
        return over
    return release(order, orders, rules) if stop_keeps(order, rules) else order


def _timed_out(order: Order, rules: Rules) -> Order | None:
    if not rules.is_silence(order.times_out_at):
        return None
    reason = "no last word has come in time"
    return replace(order, status="timed_out", changed_at=rules.now, reason=reason, resend_at=None)


def _expired(order: Order, rules: Rules, why: str) -> Order | None:
    if rules.now < order.command.expires_at:
        return None
    return replace(order, status="expired", changed_at=rules.now, reason=why, waits_for=None, look_at=None)


def _under_way(order: Order, _orders: Orders, rules: Rules) -> Order:
    if (over := _timed_out(order, rules)) is not None:
        return over
    if not rules.is_silence(order.resend_at):
        return order
    if rules.now >= order.command.expires_at:
        return replace(order, resend_at=None, changed_at=rules.now)
    if stop_keeps(order, rules):
        return replace(order, resend_at=rules.now + LOOK_MS, changed_at=rules.now)
    return replace(order, status="queued", changed_at=rules.now, resend_at=None)


def _succeeded(order: Order, _orders: Orders, rules: Rules) -> Order:
    if order.effect == "awaited" and order.verify_until is not None and rules.now >= order.verify_until:
        order = replace(order, effect="verified", changed_at=rules.now)
    if order.reverts_at is None or order.reverted_by is not None or rules.now < order.reverts_at:
        return order
    revert = revert_of(order, rules, by=None)
    return replace(order, reverted_by=revert.command_id, changed_at=rules.now)


_SETTLE: Final[Mapping[CommandStatus, Callable[[Order, Orders, Rules], Order]]] = MappingProxyType(
    {
        "awaiting_approval": _awaiting,
        "held": _held,
        "queued": _queued,
        "sent": _under_way,
        "delivered": _under_way,
        "succeeded": _succeeded,
    }
)
