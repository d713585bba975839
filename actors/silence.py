"""What time alone does to alarms, pure: silence lets them return, and a shelf ends.

Time here is the worker's clock: event time stands still when an entity sends nothing more, and would never
let its alarm return. Deadlines follow from what the state keeps, so they survive restarts, and changed settings
hold at once. Whoever touches a condition settles it first, so nothing depends on being woken in time.
"""

from msgspec.structs import replace

from actors.alarm import Alarm, Alarms, Policy, with_alarm
from models.alarms import CLOSED


def due_at(alarms: Alarms, alarm: Alarm, policy: Policy) -> int | None:
    """Return when time alone will change how an alarm is seen, milliseconds since the epoch."""
    if not alarm.is_open:
        return None
    shelf = alarms.shelves.get(alarm.condition)
    ends = [alarm.last_alert_at + policy.off_delay_ms] if alarm.is_active else []
    if shelf is not None and shelf.until is not None:
        ends.append(shelf.until)
    return min(ends, default=None)


def settle(alarms: Alarms, condition: str, now: int, policy: Policy) -> Alarms:
    """Return the alarms with everything done to a condition that is due; the same object when nothing is.

    Parameters
    ----------
    now
        Milliseconds since the epoch.
    """
    return _shelf_ended(_returned(alarms, condition, now, policy), condition, now)


def settle_all(alarms: Alarms, now: int, policy: Policy) -> Alarms:
    """Settle every condition."""
    for condition in alarms.by_condition:
        alarms = settle(alarms, condition, now, policy)
    return alarms


def unshelved(alarms: Alarms, condition: str) -> Alarms:
    """Return the alarms without the shelf of a condition."""
    return replace(alarms, shelves={c: shelf for c, shelf in alarms.shelves.items() if c != condition})


def _returned(alarms: Alarms, condition: str, now: int, policy: Policy) -> Alarms:
    alarm = alarms.by_condition.get(condition)
    if alarm is None or not alarm.is_active or alarm.last_alert_at + policy.off_delay_ms > now:
        return alarms
    state = CLOSED if alarm.state == "active_acknowledged" else "returned_unacknowledged"
    silent_since = alarm.last_alert_at + policy.off_delay_ms
    after = with_alarm(alarms, replace(alarm, state=state, returned_at=silent_since))
    shelf = alarms.shelves.get(condition)
    return unshelved(after, condition) if shelf is not None and shelf.until is None else after


def _shelf_ended(alarms: Alarms, condition: str, now: int) -> Alarms:
    shelf = alarms.shelves.get(condition)
    if shelf is None or shelf.until is None or shelf.until > now:
        return alarms
    return unshelved(alarms, condition)
