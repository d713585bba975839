"""Commands that undo or drop another one, pure; their ids follow from that one's, so there is one of each at most."""

from typing import Final

from actors.alarm import digest
from actors.order_release import Rules
from models.actions import REVERTS, Command
from models.orders import BY_POLICY, Order

LIFE_MS: Final = 3_600_000
"""How long a command that undoes another may be carried out when that one's policy is gone, in milliseconds."""


def revert_of(order: Order, rules: Rules, *, by: str | None) -> Order:
    """Return the command that undoes an order, not let go yet.

    Parameters
    ----------
    by
        Who wants it; None is the policy.
    """
    policy = rules.policy(order)
    lives = LIFE_MS if policy is None else policy.expires_after
    known = order.command
    command = Command(
        command_id=f"command-{digest(known.command_id, 'revert')}",
        kind=REVERTS[known.kind],
        entity=known.entity,
        issued_at=rules.now,
        expires_at=rules.now + lives,
        by=by or BY_POLICY,
        alarm_id=known.alarm_id,
        condition=known.condition,
        event_id=known.event_id,
        event_time=known.event_time,
        reverts=known.command_id,
    )
    return _errand(command, order, rules.now)


def cancel_of(order: Order, rules: Rules, *, by: str) -> Order:
    """Return the request to drop an order that a device may have, not let go yet."""
    known = order.command
    command = Command(
        command_id=f"command-{digest(known.command_id, 'cancel')}",
        kind=known.kind,
        entity=known.entity,
        issued_at=rules.now,
        expires_at=known.expires_at,
        by=by,
        alarm_id=known.alarm_id,
        condition=known.condition,
        cancels=known.command_id,
    )
    return _errand(command, order, rules.now)


def _errand(command: Command, order: Order, now: int) -> Order:
    return Order(command=command, status="held", changed_at=now, policy=order.policy, waits_for="release")
