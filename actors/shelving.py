"""Shelves, pure: a condition that operators set aside until a time, or until its alarm returns."""

from msgspec.structs import replace

from actors.alarm import Alarms, Shelf
from actors.transitions import Step, Transition
from models.alarms import ChangeKind
from models.policies.alarms import AlarmPolicy


def ends_at(alarms: Alarms, condition: str, _policy: AlarmPolicy) -> int | None:
    """Return when the condition's shelf ends by itself (milliseconds since the epoch)."""
    shelf = alarms.shelves.get(condition)
    return None if shelf is None else shelf.until


def ended(alarms: Alarms, condition: str, _at: int, _policy: AlarmPolicy) -> Step:
    """Return the step of a shelf that ends."""
    return unshelved(alarms, condition)


def shelved(alarms: Alarms, condition: str, until: int | None) -> Step:
    """Return the step that sets a condition aside, or moves the end of that."""
    after = replace(alarms, shelves={**alarms.shelves, condition: Shelf(until=until)})
    return _told(after, condition, "shelved")


def unshelved(alarms: Alarms, condition: str) -> Step:
    """Return the step that takes the shelf of a condition away."""
    after = replace(alarms, shelves={c: shelf for c, shelf in alarms.shelves.items() if c != condition})
    return _told(after, condition, "unshelved")


def taken_out_of_service(alarms: Alarms, condition: str) -> Step:
    """Return the step that takes a condition out of service."""
    after = replace(alarms, out_of_service=(*alarms.out_of_service, condition))
    return _told(after, condition, "taken_out_of_service")


def put_in_service(alarms: Alarms, condition: str) -> Step:
    """Return the step that puts a condition in service again."""
    after = replace(alarms, out_of_service=tuple(c for c in alarms.out_of_service if c != condition))
    return _told(after, condition, "put_in_service")


def _told(alarms: Alarms, condition: str, change: ChangeKind) -> Step:
    alarm = alarms.by_condition.get(condition)
    return alarms, () if alarm is None or not alarm.is_told else (Transition(change, alarm),)
