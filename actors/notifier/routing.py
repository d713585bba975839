"""Whom a change of an alarm concerns, pure: by severity, model and time; and whether it is told at all."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from models.alarms import ACTIVE, SEVERITIES, AlarmChange, Severity
from models.policies.notifications import DAYS, NotificationPolicy, Route

QUIET: Final[frozenset[str]] = frozenset({"pending", "shelved", "suppressed", "out_of_service"})
"""States in which nobody is told of an alarm."""

UNANSWERED: Final[frozenset[str]] = frozenset({"active_unacknowledged", "returned_unacknowledged"})
"""States that want an acknowledgement."""

_BACK: Final[frozenset[str]] = frozenset({"unshelved", "unsuppressed", "put_in_service"})
"""Changes by which an alarm that was set aside is seen again: of interest where it is still active."""

MINUTES_PER_DAY: Final = 1_440


def rank(severity: Severity) -> int:
    """Return how bad a severity is, from 0."""
    return SEVERITIES.index(severity)


def routes(policy: NotificationPolicy, change: AlarmChange, now: int) -> Iterator[Route]:
    """Return the routes that tell of this change, if it comes `now` (milliseconds since the epoch)."""
    for route in policy.notifications:
        if _concerns(route, change) and in_hours(route, now) and _is_told(route, change):
            yield route


def in_hours(route: Route, now: int) -> bool:
    """Whether a route is open at a time, milliseconds since the epoch."""
    at = datetime.fromtimestamp(now / 1000, UTC)
    minute = at.hour * 60 + at.minute
    start, end = _minutes(route.from_ or "00:00"), _minutes(route.until or "00:00")
    today, yesterday = DAYS[at.weekday()] in route.days, DAYS[at.weekday() - 1] in route.days
    if start < end:
        return today and start <= minute < end
    return (today and minute >= start) or (yesterday and minute < end)


def _concerns(route: Route, change: AlarmChange) -> bool:
    known = not route.models or change.condition in route.models
    return known and rank(change.severity) >= rank(route.severity)


def _is_told(route: Route, change: AlarmChange) -> bool:
    if change.state in QUIET or change.change not in route.tell:
        return False
    return change.change not in _BACK or change.state in ACTIVE


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)
