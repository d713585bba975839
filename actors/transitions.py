"""Transitions: what changed in the life of an alarm, as commands, cases and notifications follow it."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from actors.alarm import Alarm, Alarms, with_alarm
from models.alarms import ChangeKind
from models.scores import Score


class Transition(NamedTuple):
    """One change of one alarm.

    Attributes
    ----------
    alarm
        As it is afterwards.
    alert
        The alert that changed it, if one did.
    """

    change: ChangeKind
    alarm: Alarm
    alert: Score | None = None


Transitions: TypeAlias = tuple[Transition, ...]

Step: TypeAlias = tuple[Alarms, Transitions]
"""The alarms of an entity afterwards, and what changed in them."""


def changed(alarms: Alarms, alarm: Alarm, *changes: ChangeKind, alert: Score | None = None) -> Step:
    """Return the step to the alarms with this one, which has changed in these ways."""
    return with_alarm(alarms, alarm), tuple(Transition(change, alarm, alert) for change in changes)


def then(step: Step, follow: Callable[[Alarms], Step]) -> Step:
    """Return a step and the one that follows it as one."""
    alarms, transitions = step
    after, more = follow(alarms)
    return after, (*transitions, *more)
