"""The life of an alarm, pure: what an alert, or a device's answer to a command, does to the alarms of one entity."""

from typing import Final

from msgspec.structs import replace

from actors.alarm import Alarm, Alarms, Answer, Policy, alarm_id, command_id, with_alarm
from actors.silence import settle
from models.actions import Ack, Command
from models.alarms import LifeState
from models.scores import Score

OPENS_AS: Final[LifeState] = "active_unacknowledged"

PAST_KEPT: Final = 16
"""Most closed alarms that an entity keeps behind the latest ones; the oldest goes first."""


def take_alert(alarms: Alarms, alert: Score, now: int, policy: Policy) -> tuple[Alarms, tuple[Command, ...]]:
    """Take one alert that was never taken before: open an alarm, or raise the open one.

    Parameters
    ----------
    now
        Milliseconds since the epoch.

    Returns
    -------
    tuple
        The alarms afterwards and the commands to queue; none while the condition is set aside.
    """
    alarms = settle(alarms, alert.model, now, policy)
    known = alarms.by_condition.get(alert.model)
    if known is not None and known.is_open:
        return with_alarm(alarms, _raised(known, alert, now, policy)), ()
    commands = () if alarms.is_aside(alert.model) else _commands(alert, now, policy)
    opened = with_alarm(alarms, _opened(alert, now, commands))
    return (opened if known is None else replace(opened, past=_past(alarms, known))), commands


def take_ack(alarms: Alarms, ack: Ack) -> Alarms:
    """Record the first answer to a command; any later one, or one to an unknown command, changes nothing."""
    alarm = alarms.named(ack.alarm_id)
    if alarm is None or alarm.commands.get(ack.command_id, ack) is not None:
        return alarms
    answer = Answer(outcome=ack.outcome, reason=ack.reason, at=ack.at)
    answered = replace(alarm, commands={**alarm.commands, ack.command_id: answer})
    if alarm in alarms.past:
        return replace(alarms, past=tuple(answered if a is alarm else a for a in alarms.past))
    return with_alarm(alarms, answered)


def _opened(alert: Score, now: int, commands: tuple[Command, ...]) -> Alarm:
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
        commands={command.command_id: None for command in commands},
    )


def _raised(alarm: Alarm, alert: Score, now: int, policy: Policy) -> Alarm:
    raised = replace(
        alarm,
        alerts=alarm.alerts + 1,
        peak=(min if alert.below else max)(alarm.peak, alert.score),
        last_alert_at=max(alarm.last_alert_at, now),
        returned_at=None,
    )
    return raised if _stays_acknowledged(alarm, now, policy) else _unacknowledged(raised)


def _stays_acknowledged(alarm: Alarm, now: int, policy: Policy) -> bool:
    return alarm.acknowledged_at is not None and now < alarm.acknowledged_at + policy.realarm_after_ms


def _unacknowledged(alarm: Alarm) -> Alarm:
    return replace(alarm, state=OPENS_AS, acknowledged_at=None)


def _past(alarms: Alarms, closed: Alarm) -> tuple[Alarm, ...]:
    kept = (a for a in alarms.past if a.condition != closed.condition or None in a.commands.values())
    return (*kept, closed)[-PAST_KEPT:]


def _commands(alert: Score, now: int, policy: Policy) -> tuple[Command, ...]:
    kind = policy.commands.get(alert.model)
    if kind is None:
        return ()
    alarm = alarm_id(alert)
    return (
        Command(
            command_id=command_id(alarm, kind),
            kind=kind,
            entity=alert.entity,
            alarm_id=alarm,
            condition=alert.model,
            event_id=alert.event_id,
            event_time=alert.event_time,
            issued_at=now,
            expires_at=now + policy.command_ttl_ms,
        ),
    )
