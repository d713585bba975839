"""What time alone does to alarms, pure: silence, the ends of shelves and of maintenance, severity, calm, staleness.

Every deadline follows from what the state keeps, so it survives restarts, and whoever touches an entity settles it
first, so nothing depends on being woken in time. What was due is done in the order in which it was.
"""

from collections.abc import Callable, Collection, Iterator
from typing import Final, NamedTuple, TypeAlias

from actors import attention, chattering, grading, shelving, silence
from actors.alarm import Alarm, Alarms
from actors.suppression import suppressed
from actors.transitions import Step, then
from models.policies.alarms import AlarmPolicy
from models.policies.policies import Policies

Due: TypeAlias = Callable[[Alarms, str, AlarmPolicy], int | None]
Strike: TypeAlias = Callable[[Alarms, str, int, AlarmPolicy], Step]


class _Clock(NamedTuple):
    """When something is due for a condition, and what it does then."""

    due: Due
    strike: Strike


_SILENCE: Final = _Clock(silence.returns_at, silence.returned)
_CLOCKS: Final = (
    _Clock(shelving.ends_at, shelving.ended),
    _Clock(grading.eases_at, grading.eased),
    _Clock(chattering.calms_at, chattering.calmed),
    _Clock(attention.stales_at, attention.staled),
)


class _Timer(NamedTuple):
    at: int
    condition: str
    policy: AlarmPolicy
    strike: Strike

    def struck(self, alarms: Alarms) -> Step:
        """Return the step of what is due."""
        return self.strike(alarms, self.condition, self.at, self.policy)


def due_at(alarms: Alarms, alarm: Alarm, policies: Policies) -> int | None:
    """Return when time alone will change how an alarm is seen, milliseconds since the epoch."""
    if not alarm.is_open:
        return None
    found = [timer.at for timer in _timers(alarms, alarm.condition, policies, silent=True)]
    if alarms.maintenance_turns_at is not None:
        found.append(alarms.maintenance_turns_at)
    return min(found, default=None)


def settle_all(alarms: Alarms, entity: str, now: int, policies: Policies, *, heard: bool = True) -> Step:
    """Do everything that is due.

    Parameters
    ----------
    now
        Milliseconds since the epoch.
    heard
        Whether all alerts of the entity until now were taken; else silence is left for later.
    """
    step = settle(alarms, now, policies, silent=tuple(alarms.by_condition) if heard else ())
    return then(step, lambda settled: finish(settled, entity, now, policies))


def finish(alarms: Alarms, entity: str, now: int, policies: Policies) -> Step:
    """Suppress what is to be suppressed now, and do what is due of that which no longer is."""
    return then(suppressed(alarms, entity, now, policies), lambda after: settle(after, now, policies))


def settle(alarms: Alarms, now: int, policies: Policies, *, silent: Collection[str] = ()) -> Step:
    """Do what is due, but suppress nothing; silence only counts for the conditions that are named."""
    step: Step = (alarms, ())
    while (timer := _first(step[0], policies, silent)) is not None and timer.at <= now:
        step = then(step, timer.struck)
    return step


def _first(alarms: Alarms, policies: Policies, silent: Collection[str]) -> _Timer | None:
    conditions = dict.fromkeys((*alarms.by_condition, *alarms.shelves))
    timers = (t for c in conditions for t in _timers(alarms, c, policies, silent=c in silent))
    return min(timers, key=lambda timer: timer.at, default=None)


def _timers(alarms: Alarms, condition: str, policies: Policies, *, silent: bool) -> Iterator[_Timer]:
    policy = policies.alarms.of(condition)
    for clock in (_SILENCE, *_CLOCKS) if silent else _CLOCKS:
        if (at := clock.due(alarms, condition, policy)) is not None:
            yield _Timer(at, condition, policy, clock.strike)
