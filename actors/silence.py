"""What time alone does to alarms, pure: silence lets them return, and a shelf ends.

Time here is the worker's clock: event time stands still when an entity sends nothing more, and would never
let its alarm return. Deadlines follow from what the state keeps, so they survive restarts, and changed settings
hold at once. Whoever touches a condition settles it first, so nothing depends on being woken in time.
"""

from msgspec.structs import replace

from actors.alarm import Alarm, Alarms, with_alarm
from actors.transitions import Step, Transition
from models.alarms import CLOSED
from models.policies.policies import Policies


def due_at(alarms: Alarms, alarm: Alarm, policies: Policies) -> int | None:
    """Return when time alone will change how an alarm is seen, milliseconds since the epoch."""
    if not alarm.is_open:
        return None
    shelf = alarms.shelves.get(alarm.condition)
    ends = [alarm.last_alert_at + policies.alarms.of(alarm.condition).off_delay] if alarm.is_active else []
    if shelf is not None and shelf.until is not None:
        ends.append(shelf.until)
    return min(ends, default=None)


def settle(alarms: Alarms, condition: str, now: int, policies: Policies) -> Step:
    """Return the alarms with everything done to a condition that is due; the same object when nothing is.

    Parameters
    ----------
    now
        Milliseconds since the epoch.
    """
    alarms, returned = _returned(alarms, condition, now, policies)
    alarms, ended = _shelf_ended(alarms, condition, now)
    return alarms, (*returned, *ended)


def settle_all(alarms: Alarms, now: int, policies: Policies) -> Step:
    """Settle every condition."""
    found: list[Transition] = []
    for condition in alarms.by_condition:
        alarms, changes = settle(alarms, condition, now, policies)
        found.extend(changes)
    return alarms, tuple(found)


def unshelved(alarms: Alarms, condition: str) -> Alarms:
    """Return the alarms without the shelf of a condition."""
    return replace(alarms, shelves={c: shelf for c, shelf in alarms.shelves.items() if c != condition})


def _returned(alarms: Alarms, condition: str, now: int, policies: Policies) -> Step:
    alarm = alarms.by_condition.get(condition)
    off_delay = policies.alarms.of(condition).off_delay
    if alarm is None or not alarm.is_active or alarm.last_alert_at + off_delay > now:
        return alarms, ()
    state = CLOSED if alarm.state == "active_acknowledged" else "returned_unacknowledged"
    returned = replace(alarm, state=state, returned_at=alarm.last_alert_at + off_delay)
    after = with_alarm(alarms, returned)
    shelf = alarms.shelves.get(condition)
    changes = (Transition("closed" if state == CLOSED else "returned", returned),)
    return unshelved(after, condition) if shelf is not None and shelf.until is None else after, changes


def _shelf_ended(alarms: Alarms, condition: str, now: int) -> Step:
    shelf = alarms.shelves.get(condition)
    if shelf is None or shelf.until is None or shelf.until > now:
        return alarms, ()
    return unshelved(alarms, condition), (Transition("unshelved", alarms.by_condition[condition]),)
