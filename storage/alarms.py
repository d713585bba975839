"""The port of alarms as lists show them: one row an alarm, found by day or by entity."""

from dataclasses import dataclass, field
from typing import Protocol

from models.alarms import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRow:
    """An alarm at one version of its entity.

    Attributes
    ----------
    version
        The entity's version that this row describes: an older one never overwrites a newer one. Not part of
        the row's hash, for every save makes a new one.
    opened_at
        Milliseconds since the epoch; it places the alarm, so it never changes.
    condition
        What is wrong, named by the model that said so.
    state
        Where the alarm is in its life.
    event_id
        The event whose alert opened it.
    alerts
        How many alerts it has taken.
    command_id, command_status
        The last command it sent and how that went; None without one.
    due_at
        When time alone will change it (milliseconds since the epoch); None when it will not.
    severity
        How bad it is; None for a row from before severities.
    active_at
        When it became active first (milliseconds since the epoch); None while it has only been pending, and for a row
        from before.
    chattering, stale
        Whether its condition comes back too often, and whether it wants an operator for too long.
    """

    alarm_id: str
    entity: str
    condition: str
    opened_at: int
    version: int = field(hash=False)
    state: str
    event_id: str
    alerts: int
    command_id: str | None = None
    command_status: str | None = None
    due_at: int | None = None
    severity: Severity | None = None
    active_at: int | None = None
    chattering: bool = False
    stale: bool = False


class AlarmStore(Protocol):
    """Alarms for lists and stories."""

    def record_alarm(self, alarm: AlarmRow) -> None:
        """Store or update one alarm; repeating it changes nothing."""
        ...

    def latest_alarms(self, limit: int) -> list[AlarmRow]:
        """Return the alarms opened last, newest first."""
        ...

    def alarm(self, alarm_id: str) -> AlarmRow | None:
        """Return one alarm, or None when it is not listed."""
        ...

    def alarms_in(self, state: str) -> list[AlarmRow]:
        """Return all alarms in one state, newest first; ask for `closed` ones by `latest_alarms`."""
        ...

    def due_alarms(self, now: int, limit: int) -> list[AlarmRow]:
        """Return alarms whose due time has come (milliseconds since the epoch), in no order."""
        ...

    def alarms_of(self, entity: str) -> list[AlarmRow]:
        """Return the alarms of one entity, newest first."""
        ...
