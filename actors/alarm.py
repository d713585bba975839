"""What an entity's alarms are: the state that the entity store keeps as text, and how things are named.

An entity has at most one open alarm per condition, and a condition is a model. Ids are derived from what
opened the alarm, so that doing the same again names the same things.
"""

from hashlib import blake2b

import msgspec

from models.actions import CommandKind, Outcome
from models.alarms import ACTIVE, CLOSED, AlarmState, LifeState
from models.scores import Score


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How alarms live; times in milliseconds.

    Attributes
    ----------
    commands
        The command that an opening alarm queues, by the model's name.
    off_delay_ms
        How long no alert may come until an alarm has returned.
    realarm_after_ms
        How long an acknowledgement holds while alerts still come.
    """

    commands: dict[str, CommandKind]
    command_ttl_ms: int
    off_delay_ms: int
    realarm_after_ms: int


class Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the device said to a command, and when (milliseconds since the epoch)."""

    outcome: Outcome
    reason: str
    at: int


class Shelf(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A condition set aside until a time (milliseconds since the epoch), or, without one, until its alarm returns."""

    until: int | None


class Alarm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One condition of one entity that asks for attention. Times are milliseconds since the epoch.

    Attributes
    ----------
    alerts, peak
        How many alerts it has taken, and the worst score among them.
    event_id, event_time
        The event whose alert opened it.
    opened_at, last_alert_at
        When it took its first and its latest alert.
    commands
        Its commands by id, with the device's answer once there is one.
    acknowledged_at
        When an operator acknowledged it; None while nobody has.
    returned_at
        When it had been silent for long enough; None while it is active.
    """

    alarm_id: str
    condition: str
    state: LifeState
    event_id: str
    event_time: int
    opened_at: int
    last_alert_at: int
    alerts: int
    peak: float
    commands: dict[str, Answer | None]
    acknowledged_at: int | None = None
    returned_at: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether its life is not over."""
        return self.state != CLOSED

    @property
    def is_active(self) -> bool:
        """Whether alerts still come."""
        return self.state in ACTIVE


class Alarms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All alarms of one entity.

    Attributes
    ----------
    by_condition
        The latest alarm of each condition, open or closed.
    past
        Closed alarms that another one has followed: the last of each condition, and those with a command that
        nobody has answered yet.
    shelves, out_of_service
        Conditions that are set aside.
    """

    by_condition: dict[str, Alarm] = {}
    past: tuple[Alarm, ...] = ()
    shelves: dict[str, Shelf] = {}
    out_of_service: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[Alarm, ...]:
        """Every alarm that is still known."""
        return (*self.past, *self.by_condition.values())

    def named(self, alarm_id: str) -> Alarm | None:
        """Return the alarm of this id, if it is still known."""
        return next((alarm for alarm in self.all if alarm.alarm_id == alarm_id), None)

    def is_aside(self, condition: str) -> bool:
        """Whether a condition is shelved or out of service: its alarms queue no command."""
        return condition in self.out_of_service or condition in self.shelves


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


def shown(alarms: Alarms, alarm: Alarm) -> AlarmState:
    """Return the state that operators see."""
    if not alarm.is_open:
        return alarm.state
    if alarm.condition in alarms.out_of_service:
        return "out_of_service"
    return "shelved" if alarm.condition in alarms.shelves else alarm.state


def with_alarm(alarms: Alarms, alarm: Alarm) -> Alarms:
    """Return the alarms with this one as the latest of its condition."""
    return msgspec.structs.replace(alarms, by_condition={**alarms.by_condition, alarm.condition: alarm})


def _digest(*parts: str) -> str:
    return blake2b("\x00".join(parts).encode(), digest_size=12).hexdigest()
