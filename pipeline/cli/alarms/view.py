"""The texts of `alarms`."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import msgspec

from models.operations import AlarmOperation, AuditEntry
from pipeline.operators import Told
from storage.alarms import AlarmRow


def table(alarms: Sequence[AlarmRow]) -> Iterator[str]:
    """Return a line an alarm."""
    wide = max((len(alarm.entity) for alarm in alarms), default=0)
    for alarm in alarms:
        yield (
            f"{at(alarm.opened_at)}  {alarm.state:<22}  {alarm.entity:<{wide}}  {alarm.condition:<16}  "
            f"{alarm.alerts:>5,} alerts  {_command(alarm):<17}  {alarm.alarm_id}"
        )


def story(told: Told) -> Iterator[str]:
    """Return everything about one alarm."""
    row, life = told.row, told.life
    yield f"{row.alarm_id}  {row.condition} of {row.entity}: {row.state}"
    yield f"  {at(row.opened_at)}  opened by event {row.event_id}; {_command(row)}"
    if life is not None:
        yield f"  {at(life.last_alert_at)}  last of {life.alerts:,} alerts, the worst score {life.peak:.4f}"
        if life.acknowledged_at is not None:
            yield f"  {at(life.acknowledged_at)}  acknowledged"
        if life.returned_at is not None:
            yield f"  {at(life.returned_at)}  returned to normal"
    if told.shelf is not None:
        yield f"  shelved until {'it returns' if told.shelf.until is None else at(told.shelf.until)}"
    for each in told.audit:
        yield f"  {entry(each)}"


def as_dict(told: Told) -> dict[str, Any]:
    """Return one alarm as plain values."""
    return {
        "alarm": asdict(told.row),
        "life": msgspec.to_builtins(told.life),
        "shelf": msgspec.to_builtins(told.shelf),
        "audit": [entry_as_dict(each) for each in told.audit],
    }


def entry(entry: AuditEntry) -> str:
    """Return an audit entry as a line."""
    operation = entry.operation
    why = f" ({operation.why})" if operation.why else ""
    became = f"refused: {entry.reason}" if entry.verdict == "refused" else _change(entry)
    return f"{at(entry.decided_at)}  {operation.who}: {operation.action} {operation.target}{why}; {became}"


def entry_as_dict(entry: AuditEntry) -> dict[str, Any]:
    """Return an audit entry as plain values."""
    found: dict[str, Any] = msgspec.to_builtins(entry)
    return found


def outcome(entry: AuditEntry) -> str:
    """Return what an applied operation did."""
    operation = entry.operation
    ends = operation.until if isinstance(operation, AlarmOperation) else None
    until = "" if ends is None else f" until {at(ends)}"
    return f"{operation.target}  {operation.action}{until}: {_change(entry)}"


def at(ms: int) -> str:
    """Return a time (milliseconds since the epoch) for people, in UTC."""
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M:%S}Z"


def _change(entry: AuditEntry) -> str:
    if entry.before == entry.after:
        return f"stays {entry.after or 'as it was'}"
    return f"{entry.before} -> {entry.after}"


def _command(alarm: AlarmRow) -> str:
    return "no command" if alarm.command_id is None else f"command {alarm.command_status or 'forgotten'}"
