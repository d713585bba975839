"""The in-memory twin of the cases."""

from collections.abc import Sequence
from threading import Lock

from models.cases import CaseState, Evidence, decode, encode, kind_of
from storage.cases import CaseRow


class MemoryCases:
    """Cases and evidence in dictionaries; safe for threads."""

    def __init__(self) -> None:
        self._cases_lock = Lock()
        self._cases: dict[str, CaseRow] = {}
        self._evidence: dict[str, dict[tuple[int, str, str], str]] = {}

    def record_case(self, case: CaseRow) -> None:
        """Store or update one case, the latest version winning."""
        with self._cases_lock:
            known = self._cases.get(case.case_id)
            if known is None or known.version <= case.version:
                self._cases[case.case_id] = case

    def record_evidence(self, case_id: str, evidence: Sequence[Evidence]) -> None:
        """Add evidence to a case."""
        with self._cases_lock:
            held = self._evidence.setdefault(case_id, {})
            held.update({(e.joined_at, kind_of(e), e.name): encode(e) for e in evidence})

    def case(self, case_id: str) -> CaseRow | None:
        """Return one case, or None when it is not listed."""
        with self._cases_lock:
            return self._cases.get(case_id)

    def cases_of(self, entity: str) -> list[CaseRow]:
        """Return the cases of one entity, newest first."""
        return [case for case in self._newest_cases() if case.entity == entity]

    def cases_in(self, state: CaseState) -> list[CaseRow]:
        """Return all cases in one state, newest first."""
        return [case for case in self._newest_cases() if case.state == state]

    def latest_cases(self, limit: int) -> list[CaseRow]:
        """Return the cases opened last, newest first."""
        return self._newest_cases()[:limit]

    def evidence_of(self, case_id: str) -> list[Evidence]:
        """Return the evidence of one case in the order in which it joined."""
        with self._cases_lock:
            held = self._evidence.get(case_id, {})
            return [decode(held[key]) for key in sorted(held)]

    def _newest_cases(self) -> list[CaseRow]:
        with self._cases_lock:
            return sorted(self._cases.values(), key=lambda case: (-case.opened_at, case.case_id))
