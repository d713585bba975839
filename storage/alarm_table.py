"""Alarms for lists in Cassandra: a partition a day of opening; indexes by entity, id, state and due time."""

from collections.abc import Iterable
from typing import Any, Final

from cassandra.cluster import Session
from cassandra.query import UNSET_VALUE, BoundStatement

from storage.alarms import AlarmRow
from storage.failures import mapped
from storage.score_rows import date_value
from storage.times import day_of, millis

_RECORD: Final = """
INSERT INTO alarms_by_day (
    day, opened_at, alarm_id, entity, condition, version, state, event_id, alerts, command_id, command_status,
    due_at, severity, active_at, chattering, stale
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?
"""
_DAYS: Final = "SELECT DISTINCT day FROM alarms_by_day"
_OF_DAY: Final = "SELECT * FROM alarms_by_day WHERE day = ? LIMIT ?"
_OF_ENTITY: Final = "SELECT * FROM alarms_by_day WHERE entity = ?"
_BY_ID: Final = "SELECT * FROM alarms_by_day WHERE alarm_id = ?"
_IN_STATE: Final = "SELECT * FROM alarms_by_day WHERE state = ?"
_DUE: Final = "SELECT * FROM alarms_by_day WHERE due_at <= ? LIMIT ?"


class CassandraAlarms:
    """`AlarmStore` on the table `alarms_by_day`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        with mapped("preparing the statements of alarms"):
            self._record, self._days = session.prepare(_RECORD), session.prepare(_DAYS)
            self._of_day, self._of_entity = session.prepare(_OF_DAY), session.prepare(_OF_ENTITY)
            self._by_id, self._in_state, self._due = map(session.prepare, (_BY_ID, _IN_STATE, _DUE))
        self._record.is_idempotent = True

    def record_alarm(self, alarm: AlarmRow) -> None:
        """Store or update one alarm; repeating it changes nothing, an older version overwrites nothing."""
        with mapped(f"recording alarm {alarm.alarm_id!r}"):
            self._session.execute(self.alarm_request(alarm))

    def alarm_request(self, alarm: AlarmRow) -> BoundStatement:
        """Return the request that records an alarm; it may be executed in the company of others."""
        return self._record.bind(_values(alarm))

    def latest_alarms(self, limit: int) -> list[AlarmRow]:
        """Return the alarms opened last, newest first."""
        found: list[AlarmRow] = []
        with mapped("listing the latest alarms"):
            days = sorted((row.day for row in self._session.execute(self._days)), reverse=True)
            for day in days:
                if len(found) >= limit:
                    break
                rows = self._session.execute(self._of_day, (day, limit - len(found)))
                found.extend(_alarm(row) for row in rows)
        return found

    def alarms_of(self, entity: str) -> list[AlarmRow]:
        """Return the alarms of one entity, newest first."""
        with mapped(f"listing the alarms of {entity!r}"):
            return _newest_first(self._session.execute(self._of_entity, (entity,)))

    def alarm(self, alarm_id: str) -> AlarmRow | None:
        """Return one alarm, or None when it is not listed."""
        with mapped(f"looking for alarm {alarm_id!r}"):
            row = self._session.execute(self._by_id, (alarm_id,)).one()
        return None if row is None else _alarm(row)

    def alarms_in(self, state: str) -> list[AlarmRow]:
        """Return all alarms in one state, newest first; ask for `closed` ones by `latest_alarms`."""
        with mapped(f"listing the alarms in state {state!r}"):
            return _newest_first(self._session.execute(self._in_state, (state,)))

    def due_alarms(self, now: int, limit: int) -> list[AlarmRow]:
        """Return alarms whose due time has come (milliseconds since the epoch), in no order."""
        with mapped("listing the alarms that are due"):
            return [_alarm(row) for row in self._session.execute(self._due, (now, limit))]


def _newest_first(rows: Iterable[Any]) -> list[AlarmRow]:
    return sorted(map(_alarm, rows), key=lambda alarm: (-alarm.opened_at, alarm.alarm_id))


def _values(alarm: AlarmRow) -> tuple[Any, ...]:
    return (
        date_value(day_of(alarm.opened_at)),
        alarm.opened_at,
        alarm.alarm_id,
        alarm.entity,
        alarm.condition,
        alarm.version,
        alarm.state,
        alarm.event_id,
        alarm.alerts,
        _kept(alarm.command_id),
        _kept(alarm.command_status),
        alarm.due_at,
        _kept(alarm.severity),
        _kept(alarm.active_at),
        alarm.chattering,
        alarm.stale,
        alarm.opened_at * 1000 + alarm.version,
    )


def _kept(value: Any) -> Any:
    """Return a value that nothing takes back once it is there: without it, no tombstone."""
    return UNSET_VALUE if value is None else value


def _alarm(row: Any) -> AlarmRow:
    return AlarmRow(
        alarm_id=row.alarm_id,
        entity=row.entity,
        condition=row.condition,
        opened_at=millis(row.opened_at),
        version=row.version,
        state=row.state,
        event_id=row.event_id,
        alerts=row.alerts,
        command_id=row.command_id,
        command_status=row.command_status,
        due_at=None if row.due_at is None else millis(row.due_at),
        severity=row.severity,
        active_at=None if row.active_at is None else millis(row.active_at),
        chattering=bool(row.chattering),
        stale=bool(row.stale),
    )
