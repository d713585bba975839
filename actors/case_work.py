"""What an investigator's action does to the cases of one entity, pure: it fits how they stand, or is refused with a reason."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from msgspec.structs import replace

from actors.alarm import Alarms
from actors.case import Case, Cases, shown
from actors.cases import PolicyOf, due_after, opened, with_case, worst
from models.cases import VERDICTS, label_of
from models.events import Label
from models.operations import AuditEntry, CaseAction, CaseOperation

Outcome: TypeAlias = Cases | str
"""The cases afterwards, or why they stay as they are."""


def operate(
    cases: Cases, alarms: Alarms, operation: CaseOperation, now: int, policy_of: PolicyOf
) -> tuple[Cases, AuditEntry]:
    """Apply an operation that was never taken before, or refuse it.

    Parameters
    ----------
    now
        Milliseconds since the epoch.
    """
    outcome = _outcome(cases, alarms, operation, now, policy_of)
    after = cases if isinstance(outcome, str) else outcome
    return after, AuditEntry(
        operation=operation,
        verdict="refused" if isinstance(outcome, str) else "applied",
        reason=outcome if isinstance(outcome, str) else "",
        decided_at=now,
        before=shown(cases.named(operation.case_id)),
        after=shown(after.named(operation.case_id)),
    )


def _outcome(
    cases: Cases, alarms: Alarms, operation: CaseOperation, now: int, policy_of: PolicyOf
) -> Outcome:
    if now > operation.expires_at:
        return f"it came {now - operation.expires_at} ms after it had expired"
    if operation.action == "open":
        return _open(cases, alarms, operation, now, policy_of)
    case = cases.named(operation.case_id)
    if case is None:
        return f"{operation.entity} has no such case"
    if case is not cases.open and operation.action != "note":
        return f"it is {shown(case)}"
    return _APPLY[operation.action](cases, case, operation, now)


def _open(cases: Cases, alarms: Alarms, operation: CaseOperation, now: int, policy_of: PolicyOf) -> Outcome:
    if cases.open is not None:
        return f"{operation.entity} has an open case already: {cases.open.case_id}"
    if cases.named(operation.case_id) is not None:
        return "that case was opened before"
    if not operation.why.strip():
        return "a case needs a reason"
    lasts = due_after(alarms, policy_of)
    case = Case(
        case_id=operation.case_id,
        opened_at=now,
        opened_by=operation.who,
        why=operation.why,
        severity=worst(alarms),
        due_at=None if lasts is None else now + lasts,
    )
    return opened(cases, case, alarms, now, policy_of)


def _assign(cases: Cases, case: Case, operation: CaseOperation, _now: int) -> Outcome:
    if not operation.assignee:
        return "say who shall work it"
    if case.assignee is not None:
        return f"it is {shown(case)} already"
    return with_case(cases, replace(case, assignee=operation.assignee))


def _release(cases: Cases, case: Case, operation: CaseOperation, _now: int) -> Outcome:
    if case.assignee is None:
        return "nobody works it"
    if case.assignee != operation.who and not operation.why.strip():
        return f"it is {shown(case)}: to take it away needs a reason"
    return with_case(cases, replace(case, assignee=None))


def _note(cases: Cases, _case: Case, operation: CaseOperation, _now: int) -> Outcome:
    return cases if operation.why.strip() else "a note needs a text"


def _set_due(cases: Cases, case: Case, operation: CaseOperation, now: int) -> Outcome:
    if operation.due_at is None or operation.due_at <= now:
        return "that time has passed"
    return with_case(cases, replace(case, due_at=operation.due_at))


def _close(cases: Cases, case: Case, operation: CaseOperation, now: int) -> Outcome:
    if operation.outcome is None:
        return "say what came out"
    if case.assignee not in (None, operation.who):
        return f"it is {shown(case)}: release it first"
    closed = replace(case, outcome=operation.outcome, closed_at=now, assignee=operation.who)
    told = (*cases.unpublished, *labels(operation.entity, closed))
    return replace(cases, latest=closed, unpublished=told)


def labels(card: str, case: Case) -> tuple[Label, ...]:
    """Return what the outcome of a closed case says of each transaction in its evidence, once."""
    verdict = None if case.outcome is None else VERDICTS.get(case.outcome)
    if verdict is None:
        return ()
    known_at = _known_at(case)
    found = {
        name.rpartition("/")[0]: piece for name, piece in case.alerts.items() if piece.terminal is not None
    }
    return tuple(
        label_of(
            case.case_id,
            transaction,
            card,
            piece.terminal or "",
            fraud=verdict,
            known_at=max(known_at, piece.event_time),
        )
        for transaction, piece in found.items()
    )


def _known_at(case: Case) -> int:
    """Return the time of the verdict in the time of the events: as long after the last one as it came after its alert.

    With events of today that is now. With a replay of old ones it is a time of then: the time of today would push
    the watermark of the features past all that is still to be replayed.
    """
    closed = case.closed_at or 0
    last = max(case.alerts.values(), key=lambda piece: (piece.joined_at, piece.event_time), default=None)
    return closed if last is None else min(closed, last.event_time + closed - last.joined_at)


_APPLY: Final[Mapping[CaseAction, Callable[[Cases, Case, CaseOperation, int], Outcome]]] = MappingProxyType(
    {"assign": _assign, "release": _release, "note": _note, "set_due": _set_due, "close": _close}
)
