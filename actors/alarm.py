"""What an entity's alarms are: the state that the entity store keeps as text, and how things are named.

An entity has at most one open alarm per condition, and a condition is a model. Ids are derived from what
opened the alarm, so that doing the same again names the same things.
"""

from hashlib import blake2b

import msgspec

from models.alarms import ACTIVE, CLOSED, PENDING, AlarmState, LifeState, Severity
from models.floods import Watch
from models.scores import Score


class Shelf(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A condition set aside until a time (milliseconds since the epoch), or, without one, until its alarm returns."""

    until: int | None


class Alarm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One condition of one entity that asks for attention. Times are milliseconds since the epoch, by the worker's clock.

    Attributes
    ----------
    alerts, peak
        How many alerts it has taken, and the worst score among them.
    event_id, event_time
        The event whose alert opened it.
    opened_at, last_alert_at
        When it took its first and its latest alert.
    arrived_at, last_arrived_at
        When the events of those alerts had come to Kafka: alerts that waited there are taken late, and fast.
    active_at
        When it became active first; None while it has only been pending.
    severity
        How bad it is; it rises with a worse alert, and falls a time after the last such one.
    graded
        When it took its latest alert of each severity.
    acknowledged_at
        When an operator acknowledged it; None while nobody has.
    unattended_since
        Since when it is active and wants an operator; None while it isn't, or has one.
    stale_at
        When that had lasted too long; None while it has not.
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
    arrived_at: int = 0
    last_arrived_at: int = 0
    active_at: int | None = None
    severity: Severity = "medium"
    graded: dict[Severity, int] = {}
    acknowledged_at: int | None = None
    unattended_since: int | None = None
    stale_at: int | None = None
    returned_at: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether its life is not over."""
        return self.state != CLOSED

    @property
    def is_active(self) -> bool:
        """Whether alerts still come."""
        return self.state in ACTIVE

    @property
    def is_told(self) -> bool:
        """Whether what happens to it is told: from when it is active until its life is over."""
        return self.is_open and self.state != PENDING


class Alarms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All alarms of one entity.

    Attributes
    ----------
    by_condition
        The latest alarm of each condition, open or closed.
    past
        Closed alarms that another one has followed.
    shelves, out_of_service
        Conditions that operators have set aside.
    suppressed
        Conditions with an open alarm that are set aside by design: by another condition, or for maintenance.
    maintenance_turns_at
        When a maintenance window that concerns an open alarm begins or ends next.
    openings
        How often each condition opened or became active again lately, and whether it is chattering.
    """

    by_condition: dict[str, Alarm] = {}
    past: tuple[Alarm, ...] = ()
    shelves: dict[str, Shelf] = {}
    out_of_service: tuple[str, ...] = ()
    suppressed: tuple[str, ...] = ()
    maintenance_turns_at: int | None = None
    openings: dict[str, Watch] = {}

    @property
    def all(self) -> tuple[Alarm, ...]:
        """Every alarm that is still known."""
        return (*self.past, *self.by_condition.values())

    def named(self, alarm_id: str) -> Alarm | None:
        """Return the alarm of this id, if it is still known."""
        return next((alarm for alarm in self.all if alarm.alarm_id == alarm_id), None)

    def is_aside(self, condition: str) -> bool:
        """Whether a condition is shelved, suppressed or out of service: its alarms act on nobody."""
        return condition in self.out_of_service or condition in self.shelves or condition in self.suppressed

    def is_chattering(self, condition: str) -> bool:
        """Whether a condition opens, or becomes active again, too often."""
        watch = self.openings.get(condition)
        return watch is not None and watch.flood is not None


def alarm_id(alert: Score) -> str:
    """Name the alarm that this alert opens."""
    return f"alarm-{digest(alert.entity, alert.model, alert.event_id)}"


def shown(alarms: Alarms, alarm: Alarm) -> AlarmState:
    """Return the state that operators see."""
    if not alarm.is_open:
        return alarm.state
    if alarm.condition in alarms.out_of_service:
        return "out_of_service"
    if alarm.condition in alarms.shelves:
        return "shelved"
    return "suppressed" if alarm.condition in alarms.suppressed else alarm.state


def with_alarm(alarms: Alarms, alarm: Alarm) -> Alarms:
    """Return the alarms with this one as the latest of its condition."""
    return msgspec.structs.replace(alarms, by_condition={**alarms.by_condition, alarm.condition: alarm})


def digest(*parts: str) -> str:
    """Name what these parts name together, the same every time."""
    return blake2b("\x00".join(parts).encode(), digest_size=12).hexdigest()
