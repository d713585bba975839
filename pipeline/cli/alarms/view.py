"""The texts of `alarms`."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import msgspec

from actors.alarm import Alarm
from models.alarms import SEVERITIES
from models.operations import AlarmOperation, AuditEntry
from pipeline.alarm_lines import Flooded, Line
from pipeline.operators import Told
from storage.alarms import AlarmRow


def table(lines: Sequence[Line]) -> Iterator[str]:
    """Return a line an alarm, or a flood."""
    wide = max((len(each.entity) for each in lines if isinstance(each, AlarmRow)), default=0)
    for each in lines:
        yield _row(each, wide) if isinstance(each, AlarmRow) else _flood(each)


def story(told: Told) -> Iterator[str]:
    """Return everything about one alarm."""
    row, life = told.row, told.life
    yield f"{row.alarm_id}  {row.condition} of {row.entity}: {row.state}, {row.severity or 'of no severity'}{_marks(row)}"
    yield f"  {at(row.opened_at)}  opened by event {row.event_id}; {_command(row)}"
    if life is not None:
        yield from _life(life)
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


def _row(alarm: AlarmRow, wide: int) -> str:
    return (
        f"{at(alarm.opened_at)}  {alarm.severity or '-':<8}  {alarm.state:<22}  {alarm.entity:<{wide}}  "
        f"{alarm.condition:<16}  {alarm.alerts:>5,} alerts  {_command(alarm):<17}  {alarm.alarm_id}{_marks(alarm)}"
    )


def _flood(found: Flooded) -> str:
    flood = found.flood
    worst = max((row.severity or "low" for row in found.alarms), key=SEVERITIES.index)
    lasts = "it lasts" if flood.left_at is None else f"over since {at(flood.left_at)}"
    return (
        f"{at(flood.last_at)}  {worst:<8}  FLOOD of {found.condition}: {flood.alarms:,} alarms since {at(flood.first_at)}, "
        f"{lasts}; {len(found.alarms):,} listed here, see them with --expand"
    )


def _marks(alarm: AlarmRow) -> str:
    return "".join(f"  {mark}" for mark in ("chattering", "stale") if getattr(alarm, mark))


def _life(life: Alarm) -> Iterator[str]:
    yield f"  {at(life.last_alert_at)}  last of {life.alerts:,} alerts, the worst score {life.peak:.4f}"
    if life.active_at is not None and life.active_at != life.opened_at:
        yield f"  {at(life.active_at)}  active, after it was pending"
    if life.stale_at is not None:
        yield f"  {at(life.stale_at)}  stale: active, and unattended since {at(life.unattended_since or life.opened_at)}"
    if life.acknowledged_at is not None:
        yield f"  {at(life.acknowledged_at)}  acknowledged"
    if life.returned_at is not None:
        yield f"  {at(life.returned_at)}  returned to normal"


def _command(alarm: AlarmRow) -> str:
    return "no command" if alarm.command_id is None else f"command {alarm.command_status or 'forgotten'}"
