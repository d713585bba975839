"""Attention, pure: who is wanted, and an active alarm that nobody attends to is stale after a time."""

from msgspec.structs import replace

from actors.alarm import Alarm, Alarms
from actors.transitions import Step, changed
from models.alarms import LifeState
from models.policies.alarms import AlarmPolicy

UNATTENDED: LifeState = "active_unacknowledged"


def wanted(alarm: Alarm, at: int) -> Alarm:
    """Return an alarm that is active and wants an operator from now on (milliseconds since the epoch)."""
    return replace(
        alarm, state=UNATTENDED, acknowledged_at=None, unattended_since=at, stale_at=None, returned_at=None
    )


def attended(alarm: Alarm, state: LifeState, at: int) -> Alarm:
    """Return an alarm that an operator has acknowledged."""
    return replace(alarm, state=state, acknowledged_at=at, unattended_since=None, stale_at=None)


def stales_at(alarms: Alarms, condition: str, policy: AlarmPolicy) -> int | None:
    """Return when the condition's alarm will have waited for an operator for too long."""
    alarm = alarms.by_condition.get(condition)
    if (
        alarm is None
        or alarm.unattended_since is None
        or alarm.stale_at is not None
        or alarms.is_aside(condition)
    ):
        return None
    return alarm.unattended_since + policy.stale_after


def staled(alarms: Alarms, condition: str, at: int, _policy: AlarmPolicy) -> Step:
    """Return the step of an alarm that is stale now."""
    return changed(alarms, replace(alarms.by_condition[condition], stale_at=at), "stale")
