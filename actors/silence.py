"""Silence, pure: an alarm of which no alert comes any more returns to normal, and a pending one is over.

Silence is measured by the worker's clock: event time stands still when an entity sends nothing more, and would never
let its alarm return. But a worker that was away takes late what had waited in Kafka, so an alert tells more: as long as
its event came to Kafka soon after the one before, there was no silence between them.
"""

from msgspec.structs import replace

from actors.alarm import Alarm, Alarms
from actors.shelving import unshelved
from actors.transitions import Step, changed, then
from models.alarms import CLOSED, PENDING, LifeState
from models.policies.alarms import AlarmPolicy
from models.scores import Score


def returns_at(alarms: Alarms, condition: str, policy: AlarmPolicy) -> int | None:
    """Return when the condition's alarm will have been silent for too long (milliseconds since the epoch)."""
    alarm = alarms.by_condition.get(condition)
    if alarm is None or not (alarm.is_active or alarm.state == PENDING):
        return None
    return alarm.last_alert_at + _patience(alarm, policy)


def returned(alarms: Alarms, condition: str, at: int, policy: AlarmPolicy) -> Step:
    """Return the step of an alarm that is silent since long enough; it also ends a one-shot shelf."""
    alarm = alarms.by_condition[condition]
    state = _afterwards(alarm, policy)
    after = replace(alarm, state=state, returned_at=at, unattended_since=None, stale_at=None)
    if alarm.state == PENDING:
        step = changed(alarms, after)
    elif state == "returned_unacknowledged":
        step = changed(alarms, after, "returned")
    else:
        step = changed(alarms, after, "returned", "latched" if state == "latched" else "closed")
    shelf = alarms.shelves.get(condition)
    is_one_shot = shelf is not None and shelf.until is None
    return then(step, lambda a: unshelved(a, condition)) if is_one_shot else step


def was_silent(alarms: Alarms, alert: Score, policy: AlarmPolicy) -> bool:
    """Whether an alert's event came to Kafka so long after the one before that the alarm had returned meanwhile."""
    alarm = alarms.by_condition.get(alert.model)
    return alarm is None or alert.ingested_at - alarm.last_arrived_at >= _patience(alarm, policy)


def _patience(alarm: Alarm, policy: AlarmPolicy) -> int:
    return policy.on_gap if alarm.state == PENDING else policy.off_delay


def _afterwards(alarm: Alarm, policy: AlarmPolicy) -> LifeState:
    match alarm.state:
        case "active_unacknowledged":
            return "returned_unacknowledged"
        case "active_acknowledged" if policy.latched:
            return "latched"
        case _:
            return CLOSED
