"""The life of an alarm, pure: what an alert does to the alarms of one entity."""

from typing import Final

from msgspec.structs import replace

from actors.alarm import Alarm, Alarms, alarm_id, with_alarm
from actors.silence import settle
from actors.transitions import Step, Transition
from models.alarms import LifeState
from models.policies.alarms import AlarmPolicy
from models.policies.policies import Policies
from models.scores import Score

OPENS_AS: Final[LifeState] = "active_unacknowledged"

PAST_KEPT: Final = 16
"""Most closed alarms that an entity keeps behind the latest ones; the oldest goes first."""


def take_alert(alarms: Alarms, alert: Score, now: int, policies: Policies) -> Step:
    """Take one alert that was never taken before: open an alarm, or raise the open one.

    Parameters
    ----------
    now
        Milliseconds since the epoch.
    """
    alarms, settled = settle(alarms, alert.model, now, policies)
    policy = policies.alarms.of(alert.model)
    known = alarms.by_condition.get(alert.model)
    if known is not None and known.is_open:
        raised = _raised(known, alert, now, policy)
        return with_alarm(alarms, raised), (*settled, *_changes(known, raised, alert))
    alarm = _opened(alert, now, policy)
    opened = with_alarm(alarms, alarm)
    after = opened if known is None else replace(opened, past=_past(alarms, known))
    return after, (*settled, Transition("opened", alarm, alert))


def _changes(before: Alarm, after: Alarm, alert: Score) -> tuple[Transition, ...]:
    if before.returned_at is not None:
        return (Transition("reactivated", after, alert),)
    if before.acknowledged_at is not None and after.acknowledged_at is None:
        return (Transition("realarmed", after, alert),)
    return ()


def _opened(alert: Score, now: int, policy: AlarmPolicy) -> Alarm:
    return Alarm(
        alarm_id=alarm_id(alert),
        condition=alert.model,
        state=OPENS_AS,
        event_id=alert.event_id,
        event_time=alert.event_time,
        opened_at=now,
        last_alert_at=now,
        alerts=1,
        peak=alert.score,
        severity=policy.graded(alert),
    )


def _raised(alarm: Alarm, alert: Score, now: int, policy: AlarmPolicy) -> Alarm:
    raised = replace(
        alarm,
        alerts=alarm.alerts + 1,
        peak=(min if alert.below else max)(alarm.peak, alert.score),
        last_alert_at=max(alarm.last_alert_at, now),
        returned_at=None,
    )
    return raised if _stays_acknowledged(alarm, now, policy) else _unacknowledged(raised)


def _stays_acknowledged(alarm: Alarm, now: int, policy: AlarmPolicy) -> bool:
    return alarm.acknowledged_at is not None and now < alarm.acknowledged_at + policy.realarm_after


def _unacknowledged(alarm: Alarm) -> Alarm:
    return replace(alarm, state=OPENS_AS, acknowledged_at=None)


def _past(alarms: Alarms, closed: Alarm) -> tuple[Alarm, ...]:
    return (*(a for a in alarms.past if a.condition != closed.condition), closed)[-PAST_KEPT:]
