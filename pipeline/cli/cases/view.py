"""The texts of `cases`."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import msgspec

from models.cases import AlarmSeen, AlertSeen, CommandSeen, Evidence
from models.operations import AuditEntry, CaseOperation
from models.scores import Score
from pipeline.cases import Told, is_overdue
from pipeline.cli.alarms.view import at
from storage.cases import CaseRow

_INDENT = " " * 24


def table(cases: Sequence[CaseRow], now: int) -> Iterator[str]:
    """Return a line a case."""
    wide = max((len(case.entity) for case in cases), default=0)
    for case in cases:
        yield (
            f"{at(case.opened_at)}  {case.severity:<8}  {stands(case):<20}  {case.entity:<{wide}}  "
            f"{case.alerts:>4,} alerts  {_due(case, now)}  {case.case_id}"
        )


def stands(case: CaseRow) -> str:
    """Return how a case stands."""
    if case.state == "closed":
        return f"closed: {case.outcome}"
    return case.state if case.assignee is None else f"assigned to {case.assignee}"


def story(told: Told, now: int) -> Iterator[str]:
    """Return everything about one case, evidence and deeds in the order in which they came."""
    row = told.row
    yield f"{row.case_id}  {row.severity} case of {row.entity}: {stands(row)}, {_due(row, now)}"
    yield f"  {at(row.opened_at)}  opened by {row.opened_by}: {row.why}"
    moments = [(piece.joined_at, 0, list(_piece(piece))) for piece in told.evidence]
    moments += [(entry.decided_at, 1, [_deed(entry)]) for entry in told.audit]
    for when, _, lines in sorted(moments, key=lambda moment: moment[:2]):
        yield f"  {at(when)}  {lines[0]}"
        yield from (f"{_INDENT}{line}" for line in lines[1:])
    if row.left_out:
        yield f"  {row.left_out:,} more alarms, alerts or commands came than a case keeps"


def as_dict(told: Told, now: int) -> dict[str, Any]:
    """Return one case as plain values."""
    return {
        "case": row_as_dict(told.row, now),
        "evidence": [msgspec.to_builtins(piece) for piece in told.evidence],
        "audit": [msgspec.to_builtins(entry) for entry in told.audit],
    }


def row_as_dict(case: CaseRow, now: int) -> dict[str, Any]:
    """Return one row of the list as plain values."""
    return {**asdict(case), "overdue": is_overdue(case, now)}


def outcome(entry: AuditEntry) -> str:
    """Return what an applied operation did."""
    operation = entry.operation
    assert isinstance(operation, CaseOperation)
    due = f" {at(operation.due_at)}" if operation.due_at is not None else ""
    return f"{operation.case_id}  {operation.entity}  {operation.action}{due}: {_change(entry)}"


def _due(case: CaseRow, now: int) -> str:
    if case.state == "closed" and case.closed_at is not None:
        return f"closed  {at(case.closed_at)}"
    if case.due_at is None:
        return "no due time"
    return f"{'OVERDUE' if is_overdue(case, now) else 'due'} {at(case.due_at)}"


def _piece(piece: Evidence) -> Iterator[str]:
    if isinstance(piece, AlarmSeen):
        yield (
            f"alarm {piece.alarm_id}: {piece.condition}, {piece.severity}, {piece.state}, "
            f"{piece.alerts:,} alerts so far, the worst score {piece.peak:.4f}"
        )
    elif isinstance(piece, CommandSeen):
        command, why = piece.command, f" ({piece.reason})" if piece.reason else ""
        yield f"command {command.command_id}: {command.kind} by {command.by}: {piece.status}{why}"
    else:
        yield from _alert(piece)


def _alert(piece: AlertSeen) -> Iterator[str]:
    score = piece.score
    if score is None:
        yield f"alert {piece.alert_id}: no longer in the score store as it was"
        return
    yield (
        f"alert of {score.model} {score.version}: score {score.score:.4f}, threshold {score.threshold:.4f}; "
        f"event {score.event_id} of {at(score.event_time)}: {_fields(score)}"
    )
    yield f"features: {', '.join(f'{name} {value}' for name, value in score.features.items())}"
    if score.reasons:
        yield f"pushed by: {', '.join(f'{r.feature} {r.contribution:+.3f}' for r in score.reasons)}"


def _fields(score: Score) -> str:
    return ", ".join(f"{name} {value}" for name, value in score.event.items())


def _deed(entry: AuditEntry) -> str:
    operation = entry.operation
    why = f" ({operation.why})" if operation.why else ""
    became = f"refused: {entry.reason}" if entry.verdict == "refused" else _change(entry)
    return f"{operation.who}: {operation.action}{why}; {became}"


def _change(entry: AuditEntry) -> str:
    if entry.before == entry.after:
        return f"stays {entry.after or 'as it was'}"
    return f"{entry.before or 'nothing'} -> {entry.after}"
