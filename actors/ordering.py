"""What alarms and answers do to the commands of one entity, pure; `order_operating` and `order_time` do the rest."""

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from actors.alarm import Alarm, Alarms, digest
from actors.order_release import Orders, Rules, release
from actors.transitions import Transition
from models.actions import ENDED, Ack, Command, CommandKind, CommandStatus
from models.alarms import ChangeKind
from models.orders import Order
from models.policies.commands import CommandPolicy
from models.scores import Score

LEADS: Final[frozenset[ChangeKind]] = frozenset({"opened", "escalated", "reactivated"})
"""The changes of an alarm that lead to commands."""


def command_id(alarm: str, kind: CommandKind) -> str:
    """Name the command of this kind that an alarm leads to."""
    return f"command-{digest(alarm, kind)}"


def order(
    orders: Orders, alarms: Alarms, transitions: Iterable[Transition], entity: str, rules: Rules
) -> dict[str, Order]:
    """Return the new orders that follow from what changed in an entity's alarms: one an alarm and kind of command."""
    known, new = dict(orders), {}
    for transition in transitions:
        alarm = transition.alarm
        if transition.change not in LEADS or not alarm.is_active or alarms.is_aside(alarm.condition):
            continue
        for policy in led_to(alarm, rules):
            if command_id(alarm.alarm_id, policy.command) not in known:
                made = begun(_command(alarm, policy, entity, rules.now), policy, known, rules)
                known[made.command_id] = new[made.command_id] = made
    return new


def led_to(alarm: Alarm, rules: Rules) -> list[CommandPolicy]:
    """Return the policies that an alarm of this severity leads to: of each kind of command, that of the worst severity."""
    found = [p for p in rules.policies.commands if p.concerns(alarm.condition, alarm.severity)]
    by_kind = {policy.command: policy for policy in sorted(found, key=lambda p: p.rank)}
    return [policy for policy in found if by_kind[policy.command] is policy]


def begun(command: Command, policy: CommandPolicy, orders: Orders, rules: Rules) -> Order:
    """Return a new order, as far as it may go."""
    new = Order(command=command, status="held", changed_at=rules.now, policy=policy.key, waits_for="release")
    return release(new, orders, rules)


def answer(orders: Orders, ack: Ack, rules: Rules) -> dict[str, Order]:
    """Return the orders that an answer changes; any but the first last word changes nothing.

    After no device has spoken in time any last word counts still, and after its `expired` that it succeeded all the same.
    """
    known = orders.get(ack.command_id)
    if known is None or known.released_at is None or not _counts(known, ack):
        return {}
    answered = _answered(known, ack, rules)
    cancel = orders.get(known.cancelled_by or "")
    ended = {} if cancel is None or not answered.is_ended else _cancel_ended(cancel, ack, rules.now)
    return {answered.command_id: answered} | ended


def watch(orders: Orders, alert: Score, rules: Rules) -> dict[str, Order]:
    """Return the orders that have had no effect: this alert, which was just taken, is of an event after their success."""
    return {
        name: replace(
            order,
            effect="ineffective",
            changed_at=rules.now,
            reason=f"{order.reason} (without effect: event {alert.event_id} after it)",
        )
        for name, order in orders.items()
        if order.effect == "awaited"
        and order.command.condition == alert.model
        and order.verify_from is not None
        and alert.event_time > order.verify_from
    }


def sent(orders: Orders, command_ids: Iterable[str], rules: Rules) -> dict[str, Order]:
    """Return the queued ones among these as sent."""
    found = (orders[name] for name in command_ids if name in orders)
    return {each.command_id: _sent(each, rules) for each in found if each.status == "queued"}


def queued(orders: Orders) -> list[Order]:
    """Return what still has to be published."""
    return [each for each in orders.values() if each.status == "queued"]


def latest_of(orders: Orders, alarm_id: str) -> Order | None:
    """Return the order that an alarm led to last."""
    of_alarm = (o for o in orders.values() if o.command.alarm_id == alarm_id and not o.is_errand)
    return max(of_alarm, key=lambda o: (o.command.issued_at, o.command_id), default=None)


def _command(alarm: Alarm, policy: CommandPolicy, entity: str, now: int) -> Command:
    return Command(
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


def _counts(known: Order, ack: Ack) -> bool:
    if ack.outcome == "delivered":
        return known.status in {"held", "queued", "sent"}
    if known.status in {"timed_out", "expired"} and known.answered_at is None:
        return True
    return known.status not in ENDED or (known.status == "expired" and ack.outcome == "succeeded")


def _answered(known: Order, ack: Ack, rules: Rules) -> Order:
    after = replace(
        known,
        status=ack.outcome,
        changed_at=rules.now,
        reason=ack.reason,
        waits_for=None,
        look_at=None,
        resend_at=None,
    )
    if ack.outcome == "delivered":
        return after
    after = replace(after, answered_at=ack.at, times_out_at=None)
    policy = rules.policy(known)
    if ack.outcome != "succeeded" or policy is None or known.is_errand:
        return after
    return _with_effect(after, policy, ack.at, rules.now)


def _with_effect(order: Order, policy: CommandPolicy, answered_at: int, now: int) -> Order:
    reverts_at = None if policy.revert_after is None else now + policy.revert_after
    if policy.verify_within is None or order.command.condition is None:
        return replace(order, reverts_at=reverts_at)
    return replace(
        order,
        reverts_at=reverts_at,
        effect="awaited",
        verify_from=answered_at + policy.verify_grace,
        verify_until=now + policy.verify_within,
    )


def _cancel_ended(cancel: Order, ack: Ack, now: int) -> dict[str, Order]:
    if cancel.is_ended and cancel.status != "timed_out":
        return {}
    status: CommandStatus = "succeeded" if ack.outcome == "cancelled" else "refused"
    reason = "" if status == "succeeded" else f"too late: it was {ack.outcome}"
    ended = replace(
        cancel,
        status=status,
        changed_at=now,
        reason=reason,
        answered_at=ack.at,
        resend_at=None,
        times_out_at=None,
    )
    return {cancel.command_id: ended}


def _sent(order: Order, rules: Rules) -> Order:
    policy, sends = rules.policy(order), order.sends + 1
    pause = policy.retry.pause(sends) if policy is not None and policy.retry is not None else None
    return replace(
        order,
        status="sent",
        changed_at=rules.now,
        sends=sends,
        sent_at=rules.now if order.sent_at is None else order.sent_at,
        resend_at=None if pause is None else rules.now + pause,
    )
