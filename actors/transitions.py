"""Transitions: what changed in the life of an alarm, as commands, cases and notifications follow it."""

from typing import NamedTuple, TypeAlias

from actors.alarm import Alarm, Alarms
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
