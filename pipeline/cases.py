"""What investigators see of cases and do with them: the most urgent first, and each case worked by one at a time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from models.alarms import SEVERITIES
from models.cases import OPEN_STATES, AlertSeen, CaseState, Evidence, digest_of
from models.operations import AuditEntry, CaseAction, CaseOperation, CaseOutcome
from models.scores import Score
from pipeline.asking import Desk, ask
from pipeline.errors import RefuseUsageError
from storage.cases import CaseRow, CaseStore
from storage.entities import EntityStore
from storage.scores import ScoreStore

SEARCHED: Final = 10_000
"""How many of the cases opened last are searched for closed ones."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What an investigator wants of a case, and why; see `models.operations.CaseOperation`."""

    action: CaseAction
    entity: str
    case_id: str
    who: str
    why: str = ""
    assignee: str | None = None
    due_at: int | None = None
    outcome: CaseOutcome | None = None


class Told(NamedTuple):
    """A case with everything that is known of it.

    Attributes
    ----------
    evidence
        As it joined. Alerts from before the case are filled in from the score store, if that has the very same.
    audit
        What investigators did with it, oldest first.
    """

    row: CaseRow
    evidence: list[Evidence]
    audit: list[AuditEntry]


def listed(store: CaseStore, states: Iterable[CaseState], now: int) -> list[CaseRow]:
    """Return the cases in these states, the most urgent first; without a state all that are open."""
    found: list[CaseRow] = []
    for state in dict.fromkeys(states or OPEN_STATES):
        closed = (case for case in store.latest_cases(SEARCHED) if case.state == "closed")
        found.extend(closed if state == "closed" else store.cases_in(state))
    return sorted(found, key=lambda case: _urgency(case, now))


def is_overdue(case: CaseRow, now: int) -> bool:
    """Whether a case should have been closed by now (milliseconds since the epoch)."""
    return case.state != "closed" and case.due_at is not None and case.due_at <= now


def chosen(store: CaseStore, name: str) -> CaseRow:
    """Return the case that an investigator names: by its id, or as the latest one of an entity.

    Raises
    ------
    RefuseUsageError
        When there is neither.
    """
    return _named(store, name)[0]


def told(store: EntityStore, scores: ScoreStore, name: str) -> list[Told]:
    """Return one case by its id, or all of an entity, newest first.

    Raises
    ------
    RefuseUsageError
        When there is neither.
    """
    rows = _named(store, name)
    entries = store.audit_of_entity(rows[0].entity)[::-1]
    return [
        Told(
            row,
            list(_filled(store.evidence_of(row.case_id), scores)),
            [entry for entry in entries if entry.operation.target == row.case_id],
        )
        for row in rows
    ]


def operate(desk: Desk, wish: Wish, wait_s: float) -> AuditEntry:
    """Send a wish to the actor and return what became of it.

    Raises
    ------
    ServerAwayError
        When no actor runs (nothing was sent), or none has answered in time (it will never be applied).
    """
    now = desk.clock()
    operation = CaseOperation(
        operation_id=desk.new_id(),
        entity=wish.entity,
        who=wish.who,
        why=wish.why,
        asked_at=now,
        expires_at=now + round(wait_s * 1_000),
        action=wish.action,
        case_id=wish.case_id,
        assignee=wish.assignee,
        due_at=wish.due_at,
        outcome=wish.outcome,
    )
    return ask(desk, operation)


def take_next(desk: Desk, who: str, wait_s: float) -> AuditEntry:
    """Give the most urgent case that nobody works to an investigator, and return how that went into the audit.

    The actor of its entity decides, so two investigators never get the same one: who comes second is refused, and
    the next case is tried.

    Raises
    ------
    RefuseUsageError
        When no case is left that nobody works.
    ServerAwayError
        When no actor runs, or none has answered in time.
    """
    tried: set[str] = set()
    while case := _most_urgent(desk, tried):
        tried.add(case.case_id)
        wish = Wish(action="assign", entity=case.entity, case_id=case.case_id, who=who, assignee=who)
        entry = operate(desk, wish, wait_s)
        if entry.verdict == "applied":
            return entry
    raise RefuseUsageError("no open case waits for anybody: `fastdata cases list` shows who works which")


def _most_urgent(desk: Desk, tried: set[str]) -> CaseRow | None:
    waiting = (case for case in listed(desk.store, ("open",), desk.clock()) if case.case_id not in tried)
    return next(waiting, None)


def _urgency(case: CaseRow, now: int) -> tuple[bool, bool, int, float, int, str]:
    severity = SEVERITIES.index(case.severity)
    due = float("inf") if case.due_at is None else case.due_at
    age = -case.opened_at if case.state == "closed" else case.opened_at
    return case.state == "closed", not is_overdue(case, now), -severity, due, age, case.case_id


def _named(store: CaseStore, name: str) -> list[CaseRow]:
    case = store.case(name)
    rows = store.cases_of(name) if case is None else [case]
    if not rows:
        raise RefuseUsageError(
            f"there is no case {name} and no case of an entity {name}: `fastdata cases list` names them"
        )
    return rows


def _filled(evidence: Iterable[Evidence], scores: ScoreStore) -> Iterator[Evidence]:
    for piece in evidence:
        if isinstance(piece, AlertSeen) and piece.score is None:
            yield AlertSeen(
                alert_id=piece.alert_id,
                joined_at=piece.joined_at,
                digest=piece.digest,
                score=_same(piece, scores),
            )
        else:
            yield piece


def _same(piece: AlertSeen, scores: ScoreStore) -> Score | None:
    event_id, _, model = piece.alert_id.rpartition("/")
    found = (s for s in scores.by_event(event_id) if s.model == model and digest_of(s) == piece.digest)
    return next(found, None)
