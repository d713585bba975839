"""Severity, pure: it rises with the first alert that is worse, and falls a time after the last such one.

Silence alone never lets it fall: that is what the off-delay is for. It takes lesser alerts that came since.
"""

from msgspec.structs import replace

from actors.alarm import Alarm, Alarms
from actors.transitions import Step, changed
from models.alarms import SEVERITIES, ChangeKind, Severity
from models.policies.alarms import AlarmPolicy


def graded(alarm: Alarm, severity: Severity, at: int, policy: AlarmPolicy) -> Alarm:
    """Return an alarm after an alert of this severity, taken at `at` (milliseconds since the epoch)."""
    latest = max(at, alarm.graded.get(severity, at))
    return _settled(replace(alarm, graded={**alarm.graded, severity: latest}), at, policy)


def change_of(before: Severity, after: Severity) -> ChangeKind | None:
    """Return what it is called when a severity has become another."""
    if before == after:
        return None
    return "escalated" if SEVERITIES.index(after) > SEVERITIES.index(before) else "eased"


def eases_at(alarms: Alarms, condition: str, policy: AlarmPolicy) -> int | None:
    """Return when the severity of an active alarm falls (milliseconds since the epoch)."""
    alarm = alarms.by_condition.get(condition)
    return _eases_at(alarm, policy) if alarm is not None and alarm.is_active else None


def eased(alarms: Alarms, condition: str, at: int, policy: AlarmPolicy) -> Step:
    """Return the step of an alarm whose severity falls."""
    return changed(alarms, _settled(alarms.by_condition[condition], at, policy), "eased")


def _eases_at(alarm: Alarm, policy: AlarmPolicy) -> int | None:
    latest = alarm.graded.get(alarm.severity)
    lesser = SEVERITIES[: SEVERITIES.index(alarm.severity)]
    if latest is None or not any(alarm.graded.get(s, latest) > latest for s in lesser):
        return None
    return latest + policy.ease_after


def _settled(alarm: Alarm, at: int, policy: AlarmPolicy) -> Alarm:
    worst = max(alarm.graded, key=SEVERITIES.index)
    alarm = replace(alarm, severity=worst)
    eases = _eases_at(alarm, policy)
    if eases is None or eases > at:
        return alarm
    return _settled(replace(alarm, graded={s: t for s, t in alarm.graded.items() if s != worst}), at, policy)
