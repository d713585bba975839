"""What is written of an entity's cases besides its state: rows for lists, and evidence. Pure.

Everything follows from the state and the messages, so a message that comes again leads to the same rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from actors.case import Case, Cases
from actors.items import Change as Message
from models.cases import AlertSeen, CommandSeen, Evidence, digest_of
from models.operations import CaseOperation
from models.orders import Order
from models.scores import Score
from storage.cases import CaseRow
from storage.entities import alert_id

Alerts: TypeAlias = Mapping[tuple[str, str], Score]
"""Alerts by id and digest: of one event a query may send another score when it reads it again."""


def case_rows(entity: str, version: int, cases: Cases, messages: Sequence[Message]) -> list[CaseRow]:
    """Return the open case, and those that the messages speak of, as lists show them."""
    spoken_of = {m.case_id for m in messages if isinstance(m, CaseOperation)}
    return [
        _row(entity, version, case) for case in cases.all if case is cases.open or case.case_id in spoken_of
    ]


def evidence(
    cases: Cases, orders: Mapping[str, Order], messages: Sequence[Message]
) -> dict[str, list[Evidence]]:
    """Return, by case, the evidence that has joined because of these messages; more of it when that is simpler."""
    alerts = {(alert_id(m.event_id, m.model), digest_of(m)): m for m in messages if isinstance(m, Score)}
    found = {case.case_id: list(_evidence(case, orders, alerts, messages)) for case in cases.all}
    return {name: pieces for name, pieces in found.items() if pieces}


def _evidence(
    case: Case, orders: Mapping[str, Order], alerts: Alerts, messages: Sequence[Message]
) -> Iterator[Evidence]:
    since = _since(case, alerts, messages)
    if since is None:
        return
    yield from (seen for seen in case.alarms.values() if seen.joined_at >= since)
    for name, piece in case.alerts.items():
        alert = None if piece.earlier else alerts.get((name, piece.digest))
        if alert is not None or (piece.earlier and case.opened_at >= since):
            yield AlertSeen(alert_id=name, joined_at=piece.joined_at, digest=piece.digest, score=alert)
    for name, moment in case.commands.items():
        order = orders.get(name.rpartition("/")[0])
        if order is not None and moment.joined_at >= since:
            yield CommandSeen(
                command=order.command,
                status=moment.status,
                reason=moment.reason,
                changed_at=moment.changed_at,
                joined_at=moment.joined_at,
            )


def _since(case: Case, alerts: Alerts, messages: Sequence[Message]) -> int | None:
    """Return from when on something may have joined because of the messages; None when nothing can have."""
    times = [
        piece.joined_at
        for name, piece in case.alerts.items()
        if not piece.earlier and (name, piece.digest) in alerts
    ]
    for message in messages:
        if isinstance(message, CaseOperation) and message.case_id == case.case_id:
            times.append(case.opened_at)
        elif not isinstance(message, Score | CaseOperation):
            times.append(0)
    return min(times, default=None)


def _row(entity: str, version: int, case: Case) -> CaseRow:
    return CaseRow(
        case_id=case.case_id,
        entity=entity,
        opened_at=case.opened_at,
        version=version,
        state=case.state,
        opened_by=case.opened_by,
        why=case.why,
        severity=case.severity,
        assignee=case.assignee,
        due_at=case.due_at,
        outcome=case.outcome,
        closed_at=case.closed_at,
        alarms=len(case.alarms),
        alerts=len(case.alerts),
        commands=len(case.commands),
        left_out=case.left_out.all,
    )
