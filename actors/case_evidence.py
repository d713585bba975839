"""How evidence joins a case, pure: once, as it is then, and up to a bound."""

from typing import Final

from msgspec.structs import replace

from actors.alarm import Alarm, Alarms, shown
from actors.case import Case, Moment, Piece
from models.cases import AlarmSeen, severer
from models.orders import Order
from models.policies.cases import CasePolicy

JOINED_MOST: Final = 100
"""Most alarms, and most states of commands, that a case keeps."""


def with_alarm(case: Case, alarms: Alarms, alarm: Alarm, now: int) -> Case:
    """Return the case with an alarm as it is now (milliseconds since the epoch)."""
    case = as_severe_as(case, alarm)
    if alarm.alarm_id in case.alarms:
        return case
    if len(case.alarms) >= JOINED_MOST:
        return replace(case, left_out=replace(case.left_out, alarms=case.left_out.alarms + 1))
    return replace(case, alarms={**case.alarms, alarm.alarm_id: _seen(alarms, alarm, now)})


def as_severe_as(case: Case, alarm: Alarm) -> Case:
    """Return the case, no less severe than an open alarm."""
    if not alarm.is_open:
        return case
    severity = severer(case.severity, alarm.severity)
    return case if severity == case.severity else replace(case, severity=severity)


def _seen(alarms: Alarms, alarm: Alarm, now: int) -> AlarmSeen:
    return AlarmSeen(
        alarm_id=alarm.alarm_id,
        condition=alarm.condition,
        state=shown(alarms, alarm),
        severity=alarm.severity,
        event_id=alarm.event_id,
        opened_at=alarm.opened_at,
        joined_at=now,
        alerts=alarm.alerts,
        peak=alarm.peak,
    )


def with_piece(case: Case, name: str, piece: Piece, policy: CasePolicy) -> Case:
    """Return the case with an alert, or with one more that did not fit."""
    if len(case.alerts) < policy.evidence:
        return replace(case, alerts={**case.alerts, name: piece})
    return replace(case, left_out=replace(case.left_out, alerts=case.left_out.alerts + 1))


def concerns(order: Order, case: Case) -> bool:
    """Whether a command belongs to a case: it follows from one of its alarms, or was sent by hand while it is open."""
    alarm = order.command.alarm_id
    return order.command.issued_at >= case.opened_at if alarm is None else alarm in case.alarms


def with_order(case: Case, order: Order, now: int, *, counts: bool) -> Case:
    """Return the case with a command in its present state, if that is its first one there or its last one.

    Parameters
    ----------
    now
        Milliseconds since the epoch.
    counts
        Whether it has just come into this state, so that it counts if it does not fit.
    """
    name, ended = f"{order.command.command_id}/{order.status}", order.is_ended
    if name in case.commands or (order.command.command_id in _commands(case) and not ended):
        return case
    if len(case.commands) < JOINED_MOST:
        return replace(
            case, commands={**case.commands, name: Moment(now, order.changed_at, order.status, order.reason)}
        )
    if not (counts and ended):
        return case
    return replace(case, left_out=replace(case.left_out, commands=case.left_out.commands + 1))


def _commands(case: Case) -> set[str]:
    return {name.rpartition("/")[0] for name in case.commands}
