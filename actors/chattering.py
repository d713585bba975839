"""Chattering, pure: a condition that opens, or becomes active again, too often is marked until it is calm."""

from typing import Final

from msgspec.structs import replace

from actors.alarm import Alarm, Alarms
from actors.transitions import Step, Transition
from models.floods import Watch, ends_at, observed, settled
from models.policies.alarms import AlarmPolicy
from models.scores import Score

_NONE: Final = Watch()


def counted(alarms: Alarms, alarm: Alarm, at: int, policy: AlarmPolicy, alert: Score) -> Step:
    """Return the step of an alarm that became active at `at` (milliseconds since the epoch)."""
    watch = alarms.openings.get(alarm.condition, _NONE)
    after = observed(watch, at, policy.chattering.rule)
    begins = watch.flood is None and after.flood is not None
    return _watched(alarms, alarm.condition, after), (
        Transition("chattering", alarm, alert),
    ) if begins else ()


def calms_at(alarms: Alarms, condition: str, policy: AlarmPolicy) -> int | None:
    """Return when a chattering condition is calm again (milliseconds since the epoch)."""
    return ends_at(alarms.openings.get(condition, _NONE), policy.chattering.rule)


def calmed(alarms: Alarms, condition: str, at: int, policy: AlarmPolicy) -> Step:
    """Return the step of a condition that is calm again; nobody has to be told."""
    return _watched(alarms, condition, settled(alarms.openings[condition], at, policy.chattering.rule)), ()


def _watched(alarms: Alarms, condition: str, watch: Watch) -> Alarms:
    return replace(alarms, openings={**alarms.openings, condition: watch})
