"""The duty to have an alarm acknowledged, pure: whom to tell next as long as nobody has, and when."""

from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from actors.notifier.routing import UNANSWERED
from models.alarms import AlarmChange
from models.policies.notifications import Escalation, NotificationPolicy, Route


class Duty(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An alarm that a route has told of and that nobody has acknowledged.

    Attributes
    ----------
    alarm
        Its latest change.
    since
        When it was told, milliseconds since the epoch.
    climbed
        How many rungs of the route's ladder are done.
    due_at
        When the next one is, milliseconds since the epoch.
    """

    route: str
    alarm: AlarmChange
    since: int
    climbed: int
    due_at: int


class Rung(NamedTuple):
    """Whom to tell, `after` milliseconds since the alarm was told."""

    after: int
    step: Escalation


class Climb(NamedTuple):
    """Whom to tell now, and the duty that is left; None after the last rung."""

    channels: tuple[str, ...]
    left: Duty | None


def ladder(route: Route) -> list[Rung]:
    """Return all rungs of a route's escalation, the earliest first."""
    rungs = [
        Rung(step.after + number * (step.every or 0), step)
        for step in route.escalation
        for number in range(step.times)
    ]
    return sorted(rungs, key=lambda rung: rung.after)


def begun(route: Route, change: AlarmChange, now: int) -> Duty | None:
    """Return the duty that telling of a change begins, None where nothing has to be answered."""
    rungs = ladder(route)
    if not rungs or change.state not in UNANSWERED:
        return None
    return Duty(route=route.name, alarm=change, since=now, climbed=0, due_at=now + rungs[0].after)


def followed(duty: Duty, change: AlarmChange) -> Duty | None:
    """Return the duty after a further change of its alarm: None once it is acknowledged, set aside or closed."""
    return replace(duty, alarm=change) if change.state in UNANSWERED else None


def climbed(policy: NotificationPolicy, route: Route, duty: Duty, now: int) -> Climb:
    """Climb all rungs that are due at once, so that a late look tells everyone only once."""
    rungs = ladder(route)
    due = [rung for rung in rungs[duty.climbed :] if duty.since + rung.after <= now]
    channels = tuple(dict.fromkeys(channel for rung in due for channel in policy.receivers(rung.step)))
    done = duty.climbed + len(due)
    if done >= len(rungs):
        return Climb(channels, None)
    return Climb(channels, replace(duty, climbed=done, due_at=duty.since + rungs[done].after))
