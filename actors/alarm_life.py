"""The life of an alarm, pure: what an alert does to the alarms of one entity."""

from functools import partial
from typing import Final, NamedTuple

from msgspec.structs import replace

from actors import chattering, grading
from actors.alarm import Alarm, Alarms, alarm_id, with_alarm
from actors.attention import wanted
from actors.silence import was_silent
from actors.timers import finish, settle
from actors.transitions import Step, changed, then
from models.alarms import PENDING, ChangeKind
from models.policies.alarms import AlarmPolicy
from models.policies.policies import Policies
from models.scores import Score

PAST_KEPT: Final = 16
"""Most closed alarms that an entity keeps behind the latest ones; the oldest goes first."""


class _Taking(NamedTuple):
    """An alert that is taken now, and the policy of its condition."""

    alert: Score
    now: int
    policy: AlarmPolicy

    def begun(self) -> Alarm:
        """Return the alarm that it begins."""
        alert = self.alert
        pending = Alarm(
            alarm_id=alarm_id(alert),
            condition=alert.model,
            state=PENDING,
            event_id=alert.event_id,
            event_time=alert.event_time,
            opened_at=self.now,
            last_alert_at=self.now,
            alerts=1,
            peak=alert.score,
            arrived_at=alert.ingested_at,
            last_arrived_at=alert.ingested_at,
        )
        return self.graded(pending)

    def heard(self, alarm: Alarm) -> Alarm:
        """Return an alarm with it among those that it has taken."""
        return replace(
            alarm,
            alerts=alarm.alerts + 1,
            peak=(min if self.alert.below else max)(alarm.peak, self.alert.score),
            last_alert_at=max(alarm.last_alert_at, self.now),
            last_arrived_at=max(alarm.last_arrived_at, self.alert.ingested_at),
        )

    def graded(self, alarm: Alarm) -> Alarm:
        """Return an alarm with the severity that it now has."""
        return grading.graded(alarm, self.policy.graded(self.alert), self.now, self.policy)


def take_alert(alarms: Alarms, alert: Score, now: int, policies: Policies) -> Step:
    """Take one alert that was never taken before: open an alarm, or raise the open one.

    Parameters
    ----------
    now
        Milliseconds since the epoch.
    """
    taking = _Taking(alert, now, policies.alarms.of(alert.model))
    silent = (alert.model,) if was_silent(alarms, alert, taking.policy) else ()
    step = settle(alarms, now, policies, silent=silent)
    step = then(step, partial(_taken, taking=taking))
    return then(step, lambda taken: finish(taken, alert.entity, now, policies))


def _taken(alarms: Alarms, taking: _Taking) -> Step:
    known = alarms.by_condition.get(taking.alert.model)
    if known is None or not known.is_open:
        return _begun(alarms, known, taking) if taking.policy.opens(taking.alert) else (alarms, ())
    heard = taking.heard(known)
    if known.state == PENDING:
        return _kept_pending(alarms, taking.graded(heard), taking)
    if known.is_active:
        return _kept_active(alarms, heard, taking)
    if not taking.policy.opens(taking.alert):
        return with_alarm(alarms, heard), ()
    return _activated(alarms, taking.graded(heard), taking, "reactivated")


def _begun(alarms: Alarms, closed: Alarm | None, taking: _Taking) -> Step:
    if closed is not None:
        alarms = replace(alarms, past=_past(alarms, closed))
    if taking.policy.on_delay:
        return with_alarm(alarms, taking.begun()), ()
    return _activated(alarms, taking.begun(), taking, "opened")


def _kept_pending(alarms: Alarms, alarm: Alarm, taking: _Taking) -> Step:
    lasted = max(taking.now - alarm.opened_at, alarm.last_arrived_at - alarm.arrived_at)
    if lasted < (taking.policy.on_delay or 0):
        return with_alarm(alarms, alarm), ()
    return _activated(alarms, alarm, taking, "opened")


def _kept_active(alarms: Alarms, alarm: Alarm, taking: _Taking) -> Step:
    graded = taking.graded(alarm)
    change = grading.change_of(alarm.severity, graded.severity)
    changes: tuple[ChangeKind, ...] = () if change is None else (change,)
    if alarm.acknowledged_at is None or (
        change != "escalated" and _holds(alarms, alarm.acknowledged_at, taking)
    ):
        return changed(alarms, graded, *changes, alert=taking.alert)
    return changed(alarms, wanted(graded, taking.now), *changes, "realarmed", alert=taking.alert)


def _holds(alarms: Alarms, acknowledged_at: int, taking: _Taking) -> bool:
    is_chattering = alarms.is_chattering(taking.alert.model)
    return is_chattering or taking.now < acknowledged_at + taking.policy.realarm_after


def _activated(alarms: Alarms, alarm: Alarm, taking: _Taking, change: ChangeKind) -> Step:
    active = wanted(replace(alarm, active_at=alarm.active_at or taking.now), taking.now)
    step = changed(alarms, active, change, alert=taking.alert)
    return then(
        step, lambda opened: chattering.counted(opened, active, taking.now, taking.policy, taking.alert)
    )


def _past(alarms: Alarms, closed: Alarm) -> tuple[Alarm, ...]:
    return (*(a for a in alarms.past if a.condition != closed.condition), closed)[-PAST_KEPT:]
