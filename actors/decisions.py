"""Decisions on one entity, pure: what a snapshot and new messages add up to.

An entity is one transaction: its alarms, its cases, the alerts and operations they have taken and the outbox of
commands change together.
"""

from collections.abc import Container, Iterable, Sequence
from functools import lru_cache
from typing import Final

from msgspec.structs import replace

from actors import (
    case_rows,
    case_work,
    cases,
    entity,
    operating,
    order_operating,
    order_rows,
    order_time,
    ordering,
)
from actors.alarm import Alarm, shown
from actors.alarm_life import take_alert
from actors.alarm_rows import alarm_row, spoken_of
from actors.entity import EntityState
from actors.items import Change as Message
from actors.items import Wake
from actors.order_permits import Verdicts, permitted
from actors.order_release import Orders, Rules
from actors.timers import due_at, settle_all
from actors.transitions import Transition, Transitions
from models import operations, orders
from models.actions import Ack
from models.alarms import AlarmChange
from models.cases import Evidence
from models.events import Label
from models.operations import AlarmOperation, AuditEntry, CaseOperation, CommandOperation, Operation
from models.orders import Order
from models.policies.policies import Policies
from models.scores import Score
from storage.alarms import AlarmRow
from storage.cases import CaseRow
from storage.entities import Change, CommandRow, OperationRow, Snapshot, alert_id
from storage.orders import OrderRow

_ORDERS_KEPT: Final = 1_024
"""How many orders are kept as they were read: one alert asks for the same several times, 16 shards have 64 at hand."""


def decide(
    name: str,
    snapshot: Snapshot,
    messages: Sequence[Message],
    now: int,
    policies: Policies,
    *,
    told: bool = False,
    stopped: bool = False,
    heard: int | None = None,
) -> Change | None:
    """Return what to save of the entity of this name for these messages, or None when nothing in them is new.

    Parameters
    ----------
    now
        Milliseconds since the epoch.
    told
        Whether Kafka has all changes of alarms that the snapshot holds.
    stopped
        Whether all commands are stopped.
    heard
        Until when all answers of devices were taken (milliseconds since the epoch); None: until now.
    """
    draft = _Draft(name, snapshot, Rules(policies, now, stopped, heard))
    for message in messages:
        draft.take(message)
    return draft.change(told=told)


def mark_sent(
    snapshot: Snapshot, command_ids: Iterable[str], rules: Rules, label_ids: Container[str] = ()
) -> Change | None:
    """Return the change that notes what Kafka has: queued commands are sent, labels are published; None for nothing new."""
    sent = ordering.sent(orders_of(snapshot), command_ids, rules)
    state = entity.decode(snapshot.state)
    left = cases.published(state.cases, label_ids)
    if not sent and left is state.cases:
        return None
    return Change(state=entity.encode(replace(state, cases=left)), commands=_rows(sent.values()))


def permit(snapshot: Snapshot, verdicts: Verdicts, rules: Rules) -> Change | None:
    """Return the change that lets commands go which have their permits, or puts them off; None when no one waits any more."""
    changed = permitted(orders_of(snapshot), verdicts, rules)
    return Change(state=snapshot.state or "", commands=_rows(changed.values())) if changed else None


def orders_of(snapshot: Snapshot) -> dict[str, Order]:
    """Return the entity's orders by the id of their command."""
    return {row.command_id: _order(row.body) for row in snapshot.commands}


def queued(snapshot: Snapshot) -> list[Order]:
    """Return the orders that still have to be published."""
    return ordering.queued(orders_of(snapshot))


def untold(snapshot: Snapshot) -> tuple[AlarmChange, ...]:
    """Return the changes of alarms that Kafka may not have yet."""
    return entity.decode(snapshot.state).untold


def unpublished(snapshot: Snapshot) -> tuple[Label, ...]:
    """Return the labels that Kafka may not have yet."""
    return entity.decode(snapshot.state).cases.unpublished


def advance(snapshot: Snapshot, change: Change, version: int) -> Snapshot:
    """Return the snapshot as it is after the change was saved under this version."""
    rows = {row.command_id: row for row in (*snapshot.commands, *change.commands)}
    return Snapshot(
        version=version,
        state=change.state,
        alerts=snapshot.alerts | set(change.alerts),
        commands=tuple(rows.values()),
        operations=(*snapshot.operations, *change.operations),
    )


def alarm_rows(
    name: str, snapshot: Snapshot, messages: Sequence[Message], policies: Policies
) -> list[AlarmRow]:
    """Return the alarms that these messages speak of, whether or not they changed them, as lists show them."""
    known, commands = entity.decode(snapshot.state).alarms, orders_of(snapshot)

    def row(alarm: Alarm) -> AlarmRow:
        order = ordering.latest_of(commands, alarm.alarm_id)
        return alarm_row(
            name, snapshot.version, known, alarm, order=order, due=due_at(known, alarm, policies)
        )

    return [row(alarm) for alarm in spoken_of(known, commands, messages)]


def rows_of_orders(snapshot: Snapshot, messages: Sequence[Message], now: int) -> list[OrderRow]:
    """Return the commands that these messages speak of, or that changed lately, as lists show them."""
    alarms = entity.decode(snapshot.state).alarms
    return order_rows.order_rows(snapshot.version, orders_of(snapshot), alarms, messages, now)


def spoken_of_orders(snapshot: Snapshot, messages: Sequence[Message]) -> list[Order]:
    """Return the orders that these messages are about, or have made."""
    return order_rows.spoken_of(orders_of(snapshot), entity.decode(snapshot.state).alarms, messages)


def audit_entries(snapshot: Snapshot, messages: Sequence[Message]) -> list[AuditEntry]:
    """Return the entries of the operations among these messages, as they were decided first."""
    asked = {m.operation_id for m in messages if isinstance(m, Operation)}
    return [operations.decode_entry(row.body) for row in snapshot.operations if row.operation_id in asked]


def rows_of_cases(name: str, snapshot: Snapshot, messages: Sequence[Message]) -> list[CaseRow]:
    """Return the cases that these messages speak of, whether or not they changed them, as lists show them."""
    return case_rows.case_rows(name, snapshot.version, entity.decode(snapshot.state).cases, messages)


def evidence(snapshot: Snapshot, messages: Sequence[Message]) -> dict[str, list[Evidence]]:
    """Return, by case, the evidence that has joined because of these messages."""
    return case_rows.evidence(entity.decode(snapshot.state).cases, orders_of(snapshot), messages)


class _Draft:
    """A change in the making."""

    def __init__(self, name: str, snapshot: Snapshot, rules: Rules) -> None:
        self._name = name
        self._rules = rules
        self._snapshot = snapshot
        self._now = rules.now
        self._policies = rules.policies
        self._before = entity.decode(snapshot.state)
        self._alarms, self._cases = self._before.alarms, self._before.cases
        self._orders = orders_of(snapshot)
        self._taken: dict[str, None] = {}
        self._ordered: dict[str, Order] = {}
        self._decided = {row.operation_id for row in snapshot.operations}
        self._operations: list[OperationRow] = []
        self._changes: list[AlarmChange] = []

    def take(self, message: Message) -> None:
        match message:
            case Ack():
                self._order(ordering.answer(self._orders, message, self._rules))
            case Wake():
                self._settle(heard=not message.commands)
            case Score():
                self._alert(message)
            case _:
                self._once(message)

    def change(self, *, told: bool) -> Change | None:
        self._order(order_time.settle(self._orders, self._rules))
        state = EntityState(alarms=self._alarms, cases=self._cases)
        moved = self._taken or self._ordered or self._operations
        if not moved and state == replace(self._before, untold=()):
            return None
        before = () if told else self._before.untold
        return Change(
            state=entity.encode(replace(state, untold=(*before, *self._changes))),
            alerts=tuple(self._taken),
            commands=_rows(self._ordered.values()),
            operations=tuple(self._operations),
        )

    def _alert(self, alert: Score) -> None:
        taken = alert_id(alert.event_id, alert.model)
        if taken in self._snapshot.alerts or taken in self._taken:
            return
        self._taken[taken] = None
        self._alarms, transitions = take_alert(self._alarms, alert, self._now, self._policies)
        self._follow(transitions, alert)
        self._order(ordering.watch(self._orders, alert, self._rules))

    def _settle(self, *, heard: bool) -> None:
        self._alarms, transitions = settle_all(
            self._alarms, self._name, self._now, self._policies, heard=heard
        )
        self._follow(transitions)

    def _once(self, operation: Operation) -> None:
        if operation.operation_id in self._decided:
            return
        entry = self._operate(operation)
        self._decided.add(operation.operation_id)
        self._operations.append(OperationRow(operation.operation_id, operations.encode(entry).decode()))

    def _operate(self, operation: Operation) -> AuditEntry:
        match operation:
            case AlarmOperation():
                self._alarms, transitions, entry = operating.operate(
                    self._alarms, operation, self._now, self._policies
                )
                self._follow(transitions)
            case CommandOperation():
                ordered, entry = order_operating.operate(self._orders, self._alarms, operation, self._rules)
                self._order(ordered)
            case CaseOperation():
                self._cases, entry = case_work.operate(
                    self._cases, self._alarms, operation, self._now, self._policies.cases.of
                )
                self._cases = cases.follow_orders(self._cases, self._orders, self._now)
        return entry

    def _follow(self, transitions: Transitions, alert: Score | None = None) -> None:
        self._order(ordering.order(self._orders, self._alarms, transitions, self._name, self._rules))
        self._cases = cases.follow(
            self._cases,
            self._alarms,
            transitions,
            self._now,
            self._policies.cases.of,
            entity=self._name,
            alert=alert,
        )
        self._cases = cases.follow_orders(self._cases, self._orders, self._now)
        for transition in transitions:
            self._changes.append(self._told(transition))

    def _order(self, ordered: Orders) -> None:
        if ordered:
            self._orders.update(ordered)
            self._ordered.update(ordered)
            self._cases = cases.follow_orders(self._cases, self._orders, self._now, set(ordered))

    def _told(self, transition: Transition) -> AlarmChange:
        alarm = transition.alarm
        return AlarmChange(
            change_id=f"{alarm.alarm_id}/{self._snapshot.version + 1}/{len(self._changes)}",
            change=transition.change,
            alarm_id=alarm.alarm_id,
            entity=self._name,
            condition=alarm.condition,
            state=shown(self._alarms, alarm),
            severity=alarm.severity,
            event_id=alarm.event_id,
            opened_at=alarm.opened_at,
            at=self._now,
            alerts=alarm.alerts,
            peak=alarm.peak,
        )


@lru_cache(_ORDERS_KEPT)
def _order(body: str) -> Order:
    return orders.decode(body)


def _rows(changed: Iterable[Order]) -> tuple[CommandRow, ...]:
    return tuple(CommandRow(o.command.command_id, o.status, orders.encode(o)) for o in changed)
