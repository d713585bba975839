"""Cases in Cassandra: a partition a day of opening, with indexes; their evidence: a partition a case."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from functools import partial
from typing import Any, Final

from cassandra.cluster import Session
from cassandra.query import BatchStatement, BatchType, BoundStatement

from models.cases import CaseState, Evidence, decode, encode, kind_of
from storage.batches import grouped
from storage.cases import CaseRow
from storage.failures import mapped
from storage.flight import execute_all
from storage.score_rows import date_value
from storage.settings import CassandraSettings
from storage.times import day_of, millis

_COLUMNS: Final = tuple(field.name for field in fields(CaseRow))
_TIMES: Final = ("opened_at", "due_at", "closed_at")
_RECORD: Final = (
    f"INSERT INTO cases (day, {', '.join(_COLUMNS)}) "  # noqa: S608 - the columns are constants
    f"VALUES (?, {', '.join('?' * len(_COLUMNS))}) USING TIMESTAMP ?"
)
_ADD: Final = (
    "INSERT INTO case_evidence (case_id, joined_at, kind, id, body) VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?"
)
_BY_ID: Final = "SELECT * FROM cases WHERE case_id = ?"
_OF_ENTITY: Final = "SELECT * FROM cases WHERE entity = ?"
_IN_STATE: Final = "SELECT * FROM cases WHERE state = ?"
_DAYS: Final = "SELECT DISTINCT day FROM cases"
_OF_DAY: Final = "SELECT * FROM cases WHERE day = ? LIMIT ?"
_EVIDENCE: Final = "SELECT body FROM case_evidence WHERE case_id = ?"


class CassandraCases:
    """`CaseStore` on the tables `cases` and `case_evidence`."""

    def __init__(self, session: Session, settings: CassandraSettings) -> None:
        self._session = session
        self._grouped = partial(
            grouped,
            owner=lambda _: None,  # the rows of one case share a partition
            size=lambda row: sum(map(len, row.values)),
            most_rows=settings.batch_rows,
            most_bytes=settings.batch_bytes,
        )
        self._most = settings.requests_in_flight
        with mapped("preparing the statements of cases"):
            self._record_case, self._add = session.prepare(_RECORD), session.prepare(_ADD)
            self._case, self._cases_of, self._cases_in = map(session.prepare, (_BY_ID, _OF_ENTITY, _IN_STATE))
            self._case_days, self._cases_of_day = session.prepare(_DAYS), session.prepare(_OF_DAY)
            self._evidence = session.prepare(_EVIDENCE)
        self._record_case.is_idempotent = self._add.is_idempotent = True

    def record_case(self, case: CaseRow) -> None:
        """Store or update one case; repeating it changes nothing, an older version overwrites nothing."""
        with mapped(f"recording case {case.case_id!r}"):
            self._session.execute(self.case_request(case))

    def case_request(self, case: CaseRow) -> BoundStatement:
        """Return the request that records a case; it may be executed in the company of others."""
        return self._record_case.bind(_values(case))

    def piece_request(self, case_id: str, evidence: Evidence) -> BoundStatement:
        """Return the request that adds a piece of evidence; it may be executed in the company of others."""
        return self._add.bind(_piece(case_id, evidence))

    def record_evidence(self, case_id: str, evidence: Sequence[Evidence]) -> None:
        """Add evidence to a case; a piece that is there already is the same, so repeating it changes nothing."""
        rows = [self.piece_request(case_id, each) for each in evidence]
        execute_all(
            self._session,
            map(_batch, self._grouped(rows)),
            most=self._most,
            doing=f"adding {len(rows)} pieces of evidence to {case_id!r}",
        )

    def case(self, case_id: str) -> CaseRow | None:
        """Return one case, or None when it is not listed."""
        with mapped(f"looking for case {case_id!r}"):
            row = self._session.execute(self._case, (case_id,)).one()
        return None if row is None else _row(row)

    def cases_of(self, entity: str) -> list[CaseRow]:
        """Return the cases of one entity, newest first."""
        with mapped(f"listing the cases of {entity!r}"):
            return _newest_first(self._session.execute(self._cases_of, (entity,)))

    def cases_in(self, state: CaseState) -> list[CaseRow]:
        """Return all cases in one state, newest first; ask for closed ones by `latest_cases`."""
        with mapped(f"listing the cases in state {state!r}"):
            return _newest_first(self._session.execute(self._cases_in, (state,)))

    def latest_cases(self, limit: int) -> list[CaseRow]:
        """Return the cases opened last, newest first."""
        found: list[CaseRow] = []
        with mapped("listing the latest cases"):
            days = sorted((row.day for row in self._session.execute(self._case_days)), reverse=True)
            for day in days:
                if len(found) >= limit:
                    break
                rows = self._session.execute(self._cases_of_day, (day, limit - len(found)))
                found.extend(map(_row, rows))
        return found

    def evidence_of(self, case_id: str) -> list[Evidence]:
        """Return the evidence of one case in the order in which it joined."""
        with mapped(f"reading the evidence of {case_id!r}"):
            return [decode(row.body) for row in self._session.execute(self._evidence, (case_id,))]


def _newest_first(rows: Iterable[Any]) -> list[CaseRow]:
    return sorted(map(_row, rows), key=lambda case: (-case.opened_at, case.case_id))


def _values(case: CaseRow) -> tuple[Any, ...]:
    stamp = case.opened_at * 1_000 + case.version
    return (date_value(day_of(case.opened_at)), *asdict(case).values(), stamp)


def _row(row: Any) -> CaseRow:
    held = {name: getattr(row, name) for name in _COLUMNS}
    times = {name: millis(held[name]) for name in _TIMES if held[name] is not None}
    return CaseRow(**{**held, **times})


def _piece(case_id: str, evidence: Evidence) -> tuple[Any, ...]:
    at = evidence.joined_at
    return case_id, at, kind_of(evidence), evidence.name, encode(evidence), at * 1_000


def _batch(rows: list[Any]) -> Any:
    """One row needs no batch, and only a batch has a limit of size at the server."""
    if len(rows) == 1:
        return rows[0]
    batch = BatchStatement(BatchType.UNLOGGED)
    batch.is_idempotent = True
    for row in rows:
        batch.add(row)
    return batch
