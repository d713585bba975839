"""Whether a command may go, pure: a stop, quiet hours and limits hold it back, each with a reason and a time to look again."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, TypeAlias

from msgspec.structs import replace

from models.actions import CommandStatus
from models.orders import BY_POLICY, Order, Wait
from models.policies.commands import CommandPolicy
from models.policies.policies import Policies

Orders: TypeAlias = Mapping[str, Order]
"""Orders by the id of their command."""

LOOK_MS: Final = 5_000
"""How long what a stop keeps from happening is put off, in milliseconds."""


ANSWER_MS: Final = 60_000
"""How long after its expiry a command's last word may take, without a timeout in its policy, in milliseconds."""


class Rules(NamedTuple):
    """What holds at a moment.

    Attributes
    ----------
    now
        Milliseconds since the epoch.
    stopped
        Whether all commands are stopped.
    heard
        Until when all answers of devices were taken (milliseconds since the epoch); None: until now.
    """

    policies: Policies
    now: int
    stopped: bool = False
    heard: int | None = None

    def is_silence(self, at: int | None) -> bool:
        """Whether no answer by this time means that none was given."""
        return at is not None and at <= (self.now if self.heard is None else min(self.now, self.heard))

    def policy(self, order: Order) -> CommandPolicy | None:
        """Return the policy that allows an order, unless it is no longer in force."""
        return next((p for p in self.policies.commands if p.key == order.policy), None)


class _Hold(NamedTuple):
    waits_for: Wait
    reason: str
    look_at: int | None


def enough_people(order: Order, policy: CommandPolicy) -> bool:
    """Whether enough people stand behind an order; whoever has sent it by hand is one of two, never the only one."""
    by_hand = order.command.by != BY_POLICY
    needed = 2 if by_hand and policy.people else policy.people
    return len(order.approvals) + by_hand >= needed


def release(order: Order, orders: Orders, rules: Rules) -> Order:
    """Return an order as it is when somebody looks: let go, held back, or waiting for people, and why.

    Parameters
    ----------
    orders
        All orders of the entity.
    """
    policy = rules.policy(order)
    if order.released_at is None and not order.is_errand:
        if policy is None:
            return _moved(
                order, "cancelled", f"its policy {order.policy} is not in force any more", rules.now
            )
        if policy.mode == "dry_run":
            return _moved(order, "dry_run", "its policy only tries", rules.now)
        if not enough_people(order, policy):
            return _moved(order, "awaiting_approval", _lacking(order, policy), rules.now)
    hold = _hold(order, policy, orders, rules)
    return let_go(order, rules) if hold is None else _held(order, hold, rules.now)


def stop_keeps(order: Order, rules: Rules) -> bool:
    """Whether a stop keeps an order from going; requests to drop a command go on."""
    return rules.stopped and order.command.cancels is None


def let_go(order: Order, rules: Rules) -> Order:
    """Return an order as one to publish."""
    released = rules.now if order.released_at is None else order.released_at
    policy = rules.policy(order)
    timeout = None if policy is None else policy.timeout
    return replace(
        order,
        status="queued",
        changed_at=rules.now,
        reason="",
        waits_for=None,
        look_at=None,
        released_at=released,
        times_out_at=order.command.expires_at + ANSWER_MS if timeout is None else released + timeout,
    )


def put_off(order: Order, reason: str, look_at: int, now: int) -> Order:
    """Return an order that waits for a permit with what it was told."""
    return replace(order, reason=reason, look_at=look_at, changed_at=now)


def _moved(order: Order, status: CommandStatus, reason: str, now: int) -> Order:
    return replace(order, status=status, changed_at=now, reason=reason, waits_for=None, look_at=None)


def _lacking(order: Order, policy: CommandPolicy) -> str:
    people = "two people have" if policy.two_people or order.command.by != BY_POLICY else "somebody has"
    return f"{people} to stand behind it"


def _hold(order: Order, policy: CommandPolicy | None, orders: Orders, rules: Rules) -> _Hold | None:
    if stop_keeps(order, rules):
        return _Hold("stop", "all commands are stopped", None)
    if policy is None or order.is_errand or order.released_at is not None:
        return None
    return (
        _quiet(policy, rules.now)
        or _full(order, policy, orders.values(), rules.now)
        or (_Hold("permit", "a limit over all entities is asked", rules.now) if policy.has_permits else None)
    )


def _quiet(policy: CommandPolicy, now: int) -> _Hold | None:
    found = [(hours, until) for hours in policy.quiet_hours if (until := hours.until(now)) is not None]
    if not found:
        return None
    hours, until = max(found, key=lambda each: each[1])
    return _Hold("quiet_hours", f"quiet hours until {hours.end} UTC", until)


def _full(order: Order, policy: CommandPolicy, orders: Iterable[Order], now: int) -> _Hold | None:
    if policy.per_entity is None:
        return None
    most, within = policy.per_entity.most, policy.per_entity.within
    counting = sorted(
        let_go_at
        for each in orders
        if each.policy == order.policy and not each.is_errand and each.command_id != order.command_id
        if (let_go_at := now if each.waits_for == "permit" else each.released_at) is not None
        if let_go_at + within > now
    )
    if len(counting) < most:
        return None
    return _Hold("entity_limit", f"at most {policy.per_entity} for one entity", counting[-most] + within)


def _held(order: Order, hold: _Hold, now: int) -> Order:
    if (order.status, order.waits_for) == ("held", hold.waits_for) and hold.waits_for in {"stop", "permit"}:
        return order
    return replace(
        order,
        status="held",
        changed_at=now,
        waits_for=hold.waits_for,
        reason=hold.reason,
        look_at=hold.look_at,
    )
