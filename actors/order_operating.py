"""What an operator's action does to the commands of one entity, pure: it fits how they stand, or is refused with a reason."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from msgspec.structs import replace

from actors.alarm import Alarms
from actors.order_errands import cancel_of, revert_of
from actors.order_release import Orders, Rules, release
from actors.ordering import begun
from models.actions import REVERTS, Command
from models.operations import AuditEntry, CommandAction, CommandOperation
from models.orders import BY_POLICY, Order
from models.policies.commands import CommandPolicy

Outcome: TypeAlias = dict[str, Order] | str
"""The orders that are new or changed, or why nothing changes."""


def operate(
    orders: Orders, alarms: Alarms, operation: CommandOperation, rules: Rules
) -> tuple[dict[str, Order], AuditEntry]:
    """Apply an operation that was never taken before, or refuse it."""
    outcome = _outcome(orders, alarms, operation, rules)
    changed = {} if isinstance(outcome, str) else outcome
    known, name = {**orders, **changed}, operation.command_id
    return changed, AuditEntry(
        operation=operation,
        verdict="refused" if isinstance(outcome, str) else "applied",
        reason=outcome if isinstance(outcome, str) else "",
        decided_at=rules.now,
        before=orders[name].status if name in orders else None,
        after=known[name].status if name in known else None,
    )


def _outcome(orders: Orders, alarms: Alarms, operation: CommandOperation, rules: Rules) -> Outcome:
    if rules.now > operation.expires_at:
        return f"it came {rules.now - operation.expires_at} ms after it had expired"
    if _same(operation.who, BY_POLICY) or not operation.who.strip():
        return f"nobody is called {operation.who!r}: say who you are"
    if operation.action in {"stop_all", "resume"}:
        return "that concerns all commands, not those of one entity"
    known = orders.get(operation.command_id)
    if operation.action == "send":
        return "that command was sent before" if known else _send(orders, alarms, operation, rules)
    if known is None:
        return f"{operation.entity} has no such command"
    return _APPLY[operation.action](orders, known, operation, rules)


def _send(orders: Orders, alarms: Alarms, operation: CommandOperation, rules: Rules) -> Outcome:
    if operation.kind is None:
        return "say which kind of command"
    if not operation.why.strip():
        return "a command by hand needs a reason"
    alarm = None if operation.alarm_id is None else alarms.named(operation.alarm_id)
    if operation.alarm_id is not None and alarm is None:
        return f"{operation.entity} has no alarm {operation.alarm_id}"
    conditions = set(alarms.by_condition) if alarm is None else {alarm.condition}
    found = [p for p in rules.policies.commands if p.command == operation.kind and _may_send(p, conditions)]
    if not found:
        return _without_policy(operation, conditions)
    policy = max(found, key=_strictness)
    command = Command(
        command_id=operation.command_id,
        kind=operation.kind,
        entity=operation.entity,
        issued_at=rules.now,
        expires_at=rules.now + policy.expires_after,
        by=operation.who,
        alarm_id=operation.alarm_id,
        condition=None if alarm is None else alarm.condition,
    )
    return {command.command_id: begun(command, policy, orders, rules)}


def _approve(orders: Orders, known: Order, operation: CommandOperation, rules: Rules) -> Outcome:
    if known.status != "awaiting_approval":
        return f"it does not await approval: it is {known.status}"
    if _same(operation.who, known.command.by):
        return f"{operation.who} has sent it: another one has to approve it"
    if any(_same(operation.who, each) for each in known.approvals):
        return f"{operation.who} has approved it already: another one has to"
    if rules.now >= known.command.expires_at:
        return "it has expired"
    approved = replace(known, approvals=(*known.approvals, operation.who))
    return {known.command_id: release(approved, orders, rules)}


def _cancel(orders: Orders, known: Order, operation: CommandOperation, rules: Rules) -> Outcome:
    if known.is_ended:
        return f"it is {known.status} already"
    if known.command.cancels is not None:
        return "a request to drop a command can't be dropped"
    if known.cancelled_by is not None:
        return "its device is asked to drop it already"
    by = f"by {operation.who}" + (f": {operation.why}" if operation.why else "")
    if known.released_at is None:
        ended = replace(
            known, status="cancelled", changed_at=rules.now, reason=by, waits_for=None, look_at=None
        )
        return {known.command_id: ended}
    if rules.now >= known.command.expires_at:
        return "it has expired; only its answer is still to come"
    cancel = cancel_of(known, rules, by=operation.who)
    marked = replace(known, cancelled_by=cancel.command_id, changed_at=rules.now)
    return {known.command_id: marked, cancel.command_id: release(cancel, orders, rules)}


def _revert(orders: Orders, known: Order, operation: CommandOperation, rules: Rules) -> Outcome:
    if known.command.kind not in REVERTS or known.command.cancels is not None:
        return f"nothing undoes {known.command.kind}"
    if known.status not in {"succeeded", "timed_out"}:
        return f"there is nothing to undo: it is {known.status}"
    if known.reverted_by is not None:
        return f"{known.reverted_by} undoes it already"
    revert = revert_of(known, rules, by=operation.who)
    marked = replace(known, reverted_by=revert.command_id, changed_at=rules.now)
    return {known.command_id: marked, revert.command_id: release(revert, orders, rules)}


def _may_send(policy: CommandPolicy, conditions: set[str]) -> bool:
    return policy.manual or not conditions.isdisjoint(policy.models)


def _strictness(policy: CommandPolicy) -> tuple[bool, int]:
    return policy.mode == "dry_run", policy.people


def _without_policy(operation: CommandOperation, conditions: set[str]) -> str:
    of = f"alarms of {', '.join(sorted(conditions))}" if conditions else "an entity without alarms"
    return (
        f"no policy allows {operation.kind} for {of}: an entry of [[commands]] names one of these models, or says "
        "manual = true"
    )


def _same(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()


_APPLY: Final[Mapping[CommandAction, Callable[[Orders, Order, CommandOperation, Rules], Outcome]]] = (
    MappingProxyType({"approve": _approve, "cancel": _cancel, "revert": _revert})
)
