"""The port of cases: one row a case for lists, and its evidence, which is written and never changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from models.alarms import Severity
from models.cases import CaseState, Evidence
from models.operations import CaseOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """A case at one version of its entity. Times are milliseconds since the epoch.

    Attributes
    ----------
    version
        The entity's version that this row describes: an older one never overwrites a newer one.
    opened_at
        It places the case, so it never changes.
    opened_by, why
        The policy or an investigator, and the reason.
    severity
        The worst of its alarms so far.
    assignee
        Who works it, or has closed it.
    due_at
        When it should be closed; None when that is open.
    alarms, alerts, commands, left_out
        How much evidence there is, and how much did not fit.
    """

    case_id: str
    entity: str
    opened_at: int
    version: int
    state: CaseState
    opened_by: str
    why: str
    severity: Severity
    assignee: str | None = None
    due_at: int | None = None
    outcome: CaseOutcome | None = None
    closed_at: int | None = None
    alarms: int = 0
    alerts: int = 0
    commands: int = 0
    left_out: int = 0


class CaseStore(Protocol):
    """Cases for lists and stories."""

    def record_case(self, case: CaseRow) -> None:
        """Store or update one case; repeating it changes nothing."""
        ...

    def record_evidence(self, case_id: str, evidence: Sequence[Evidence]) -> None:
        """Add evidence to a case; a piece that is there already is the same, so repeating it changes nothing.

        Raises
        ------
        RetryLaterError
            Cassandra did not confirm every piece.
        """
        ...

    def case(self, case_id: str) -> CaseRow | None:
        """Return one case, or None when it is not listed."""
        ...

    def cases_of(self, entity: str) -> list[CaseRow]:
        """Return the cases of one entity, newest first."""
        ...

    def cases_in(self, state: CaseState) -> list[CaseRow]:
        """Return all cases in one state, newest first; ask for closed ones by `latest_cases`."""
        ...

    def latest_cases(self, limit: int) -> list[CaseRow]:
        """Return the cases opened last, newest first."""
        ...

    def evidence_of(self, case_id: str) -> list[Evidence]:
        """Return the evidence of one case in the order in which it joined: alarms, alerts, then commands of one time."""
        ...
