"""Limits over all entities, pure: which orders want a permit, of which rules, and what an answer does to them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple, TypeAlias

from actors.order_release import LOOK_MS, Orders, Rules, let_go, put_off, stop_keeps
from models.orders import Order
from models.policies.commands import CommandPolicy
from models.policies.policies import Policies

FleetOf: TypeAlias = Callable[[str], tuple[str, int] | None]
"""The class of a machine and how many of it are registered; None for what is not registered."""

RETRY_MOST_MS: Final = 30_000
"""A permit is asked for again after so long at the latest: others may be given back before their time."""

_WITHOUT_EFFECT: Final = frozenset({"refused", "expired", "cancelled"})


def unregistered(_entity: str) -> None:
    """Know no machine: limits of a share of the registered ones then let nothing go."""


class Rule(NamedTuple):
    """A limit over all entities: its name, how many may count at a time, and until when a new one would.

    Attributes
    ----------
    until
        Milliseconds since the epoch.
    text
        The limit in words.
    """

    name: str
    most: int
    until: int
    text: str


class Denied(NamedTuple):
    """Why an order gets no permit now, and when to ask again (milliseconds since the epoch)."""

    reason: str
    look_at: int


Verdicts: TypeAlias = Mapping[str, Denied | None]
"""By command id; None is a permit."""


def wanting(orders: Orders, now: int) -> list[Order]:
    """Return the orders that nothing but permits keeps back, and whose time to ask has come."""
    return [
        order
        for order in orders.values()
        if order.status == "held" and order.waits_for == "permit" and (order.look_at or 0) <= now
    ]


def rules_of(order: Order, policy: CommandPolicy, now: int, fleet_of: FleetOf) -> list[Rule] | Denied:
    """Return the rules that an order needs a permit of, the one first whose permits can be given back."""
    rules = []
    if policy.blast_radius is not None:
        radius = _radius_of(order, policy, fleet_of)
        if radius is None:
            reason = f"{order.command.entity} is not in the machine register, so the size of its fleet is not known"
            return Denied(reason, now + RETRY_MOST_MS)
        rules.append(radius)
    if policy.overall is not None:
        until = now + policy.overall.within
        rules.append(
            Rule(f"overall/{policy.key}", policy.overall.most, until, f"at most {policy.overall} in all")
        )
    return rules


def permitted(orders: Orders, verdicts: Verdicts, rules: Rules) -> dict[str, Order]:
    """Return the orders that answers change: let go, or to be asked for again."""
    changed = {}
    for order in wanting(orders, rules.now):
        if (
            order.command_id not in verdicts
            or rules.now >= order.command.expires_at
            or stop_keeps(order, rules)
        ):
            continue
        denied = verdicts[order.command_id]
        changed[order.command_id] = (
            let_go(order, rules)
            if denied is None
            else put_off(order, denied.reason, denied.look_at, rules.now)
        )
    return changed


def denial(rule: Rule, free_at: int | None, now: int) -> Denied:
    """Return when to ask again for a permit of a rule, given when the next one lapses."""
    if rule.most < 1:
        return Denied(f"{rule.text}, and that is less than one", now + RETRY_MOST_MS)
    again = now + RETRY_MOST_MS if free_at is None else free_at
    return Denied(rule.text, max(now + LOOK_MS, min(again, now + RETRY_MOST_MS)))


def freed(
    orders: Iterable[Order], known: Orders, policies: Policies, fleet_of: FleetOf
) -> list[tuple[str, str]]:
    """Return the permits that count no more because of these orders: (rule, command)."""
    found = []
    for order in orders:
        over = _over(order, known)
        policy = None if over is None else next((p for p in policies.commands if p.key == over.policy), None)
        if over is None or policy is None or policy.blast_radius is None:
            continue
        rule = _radius_of(over, policy, fleet_of)
        if rule is not None:
            found.append((rule.name, over.command_id))
    return found


def _over(order: Order, known: Orders) -> Order | None:
    """Return the order whose change of the world is over, or never came, as this one shows."""
    if order.command.reverts is not None:
        return known.get(order.command.reverts) if order.status == "succeeded" else None
    return order if order.status in _WITHOUT_EFFECT else None


def _radius_of(order: Order, policy: CommandPolicy, fleet_of: FleetOf) -> Rule | None:
    radius = policy.blast_radius
    assert radius is not None
    if radius.fleet is not None:
        of, size, label = policy.key, radius.fleet, f"{radius.fleet}"
    else:
        fleet = fleet_of(order.command.entity)
        if fleet is None:
            return None
        of, size, label = f"{policy.key}/{fleet[0]}", fleet[1], f"the {fleet[1]} of class {fleet[0]}"
    text = f"at most {radius.percent:g} % of {label} at once"
    return Rule(f"blast/{of}", radius.most(size), order.command.expires_at + radius.lasts, text)
