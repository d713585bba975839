"""The life of an alarm, pure: what an alert or an acknowledgement does to the alarms of one entity.

States carry the names of ISA-18.2. An entity has at most one alarm per condition, and a condition is a
model. Ids are derived from what opened the alarm, so that doing the same again names the same things.
"""

from hashlib import blake2b
from typing import Final, Literal

import msgspec

from models.actions import Ack, Command, CommandKind, Outcome
from models.scores import Score

State = Literal["active_unacknowledged"]
OPENS_AS: Final[State] = "active_unacknowledged"


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What an opening alarm does: the command that it queues, by the model's name, and its life in milliseconds."""

    commands: dict[str, CommandKind]
    command_ttl_ms: int


class Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the device said to a command, and when (milliseconds since the epoch)."""

    outcome: Outcome
    reason: str
    at: int


class Alarm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One condition of one entity that asks for attention.

    Attributes
    ----------
    alerts, peak
        How many alerts it has taken, and the worst score among them.
    event_id, event_time
        The event whose alert opened it.
    opened_at, last_alert_at
        When it took its first and its latest alert, milliseconds since the epoch.
    commands
        Its commands by id, with the device's answer once there is one.
    """

    alarm_id: str
    condition: str
    state: State
    event_id: str
    event_time: int
    opened_at: int
    last_alert_at: int
    alerts: int
    peak: float
    commands: dict[str, Answer | None]


class Alarms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All alarms of one entity, by condition."""

    by_condition: dict[str, Alarm] = {}


_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(Alarms)


def encode(alarms: Alarms) -> str:
    """Return the alarms as the text that the entity store keeps."""
    return _encoder.encode(alarms).decode()


def decode(state: str | None) -> Alarms:
    """Read what the entity store keeps; nothing kept means no alarms."""
    return Alarms() if state is None else _decoder.decode(state)


def alarm_id(alert: Score) -> str:
    """Name the alarm that this alert opens."""
    return f"alarm-{_digest(alert.entity, alert.model, alert.event_id)}"


def command_id(alarm: str, kind: CommandKind) -> str:
    """Name the command of this kind that an alarm queues."""
    return f"command-{_digest(alarm, kind)}"


def take_alert(alarms: Alarms, alert: Score, now: int, policy: Policy) -> tuple[Alarms, tuple[Command, ...]]:
    """Take one alert that was never taken before: open its alarm, or raise the open one.

    Parameters
    ----------
    now
        Milliseconds since the epoch.

    Returns
    -------
    tuple
        The alarms afterwards and the commands to queue.
    """
    known = alarms.by_condition.get(alert.model)
    if known is not None:
        return _with(alarms, _raised(known, alert, now)), ()
    commands = _commands(alert, now, policy)
    return _with(alarms, _opened(alert, now, commands)), commands


def take_ack(alarms: Alarms, ack: Ack) -> Alarms:
    """Record the first answer to a command; any later one, or one to an unknown command, changes nothing."""
    for alarm in alarms.by_condition.values():
        if alarm.alarm_id == ack.alarm_id and alarm.commands.get(ack.command_id, ack) is None:
            answer = Answer(outcome=ack.outcome, reason=ack.reason, at=ack.at)
            return _with(
                alarms, msgspec.structs.replace(alarm, commands={**alarm.commands, ack.command_id: answer})
            )
    return alarms


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


def _raised(alarm: Alarm, alert: Score, now: int) -> Alarm:
    return msgspec.structs.replace(
        alarm,
        alerts=alarm.alerts + 1,
        peak=(min if alert.below else max)(alarm.peak, alert.score),
        last_alert_at=max(alarm.last_alert_at, now),
    )


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


def _with(alarms: Alarms, alarm: Alarm) -> Alarms:
    return Alarms(by_condition={**alarms.by_condition, alarm.condition: alarm})


def _digest(*parts: str) -> str:
    return blake2b("\x00".join(parts).encode(), digest_size=12).hexdigest()
