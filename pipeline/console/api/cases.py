"""`/cases`: what investigators see of cases and do with them."""

from http import HTTPStatus
from typing import Annotated, Any, Self
from uuid import uuid4

from fastapi import APIRouter, Query
from pydantic import Field, model_validator

from models.cases import CaseState
from models.operations import CaseOutcome
from pipeline import cases as work
from pipeline.cases import Wish
from pipeline.console.api import shapes
from pipeline.console.api.counter import At, Counter, Who
from pipeline.console.api.outcomes import applied, missing
from pipeline.console.api.problems import responses
from pipeline.console.api.shapes import CaseStory, Entry, Wanted
from pipeline.console.errors import RefuseRequestError
from pipeline.errors import RefuseUsageError
from storage.cases import CaseRow

cases = APIRouter(prefix="/cases", tags=["cases"], responses=responses(HTTPStatus.NOT_FOUND))
CHANGES = responses(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
Name = Annotated[str, Field(min_length=1, max_length=64)]


class WantedCase(Wanted):
    """A case that shall be opened."""

    entity: str = Field(min_length=1, description="The card or machine.")


class WantedAssignee(Wanted):
    """Who shall work a case; null: who asks."""

    assignee: Name | None = None


class WantedDue(Wanted):
    """By when a case should be closed, one of the two."""

    due_at: int | None = Field(default=None, ge=0, description="Milliseconds since the epoch.")
    in_s: int | None = Field(default=None, gt=0, description="Seconds from now.")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.due_at is None) == (self.in_s is None):
            raise ValueError("give due_at or in_s")
        return self


class WantedClose(Wanted):
    """What a case came to; `confirmed` and `false_alarm` become labels of the transactions in its evidence."""

    outcome: CaseOutcome


@cases.get("")
def list_cases(
    at: At,
    state: Annotated[list[CaseState] | None, Query(description="Default: all but closed ones.")] = None,
    entity: Annotated[str | None, Query(description="Only of this card or machine.")] = None,
    assignee: Annotated[str | None, Query(description="Only those that this investigator works.")] = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 100,
) -> list[CaseRow]:
    """List cases, the most urgent first."""
    found = work.listed(at.desk.store, state or (), at.desk.clock())
    return [case for case in found if entity in {None, case.entity} and assignee in {None, case.assignee}][
        :limit
    ]


@cases.get("/{case_id}")
def show_case(case_id: str, at: At) -> CaseStory:
    """Show one case with its evidence, and what investigators did."""
    _case(at, case_id)
    (told,) = work.told(at.desk.store, at.scores, case_id)
    return shapes.case_story(told)


@cases.post("", responses=CHANGES)
def open_case(wanted: WantedCase, at: At, who: Who) -> Entry:
    """Open a case of a card or machine."""
    wish = Wish(action="open", entity=wanted.entity, case_id=f"case-{uuid4().hex}", who=who, why=wanted.why)
    return applied(work.operate(at.desk, wish, at.wait_s))


@cases.post("/next", responses=CHANGES)
def next_case(at: At, who: Who) -> Entry:
    """Get the most urgent case that nobody works, for oneself; two investigators never get the same."""
    try:
        return applied(work.take_next(at.desk, who, at.wait_s))
    except RefuseUsageError as error:
        raise RefuseRequestError(
            HTTPStatus.NOT_FOUND, "no open case waits for anybody", "`GET /cases` shows who works which"
        ) from error


@cases.post("/{case_id}/assign", responses=CHANGES)
def assign(case_id: str, wanted: WantedAssignee, at: At, who: Who) -> Entry:
    """Give a case that nobody works to an investigator."""
    return _act(at, case_id, action="assign", who=who, why=wanted.why, assignee=wanted.assignee or who)


@cases.post("/{case_id}/release", responses=CHANGES)
def release(case_id: str, wanted: Wanted, at: At, who: Who) -> Entry:
    """Let others work a case."""
    return _act(at, case_id, action="release", who=who, why=wanted.why)


@cases.post("/{case_id}/note", responses=CHANGES)
def note(case_id: str, wanted: Wanted, at: At, who: Who) -> Entry:
    """Write a note to a case, `why` being its text; a closed case takes notes too."""
    return _act(at, case_id, action="note", who=who, why=wanted.why)


@cases.post("/{case_id}/due", responses=CHANGES)
def due(case_id: str, wanted: WantedDue, at: At, who: Who) -> Entry:
    """Say by when a case should be closed."""
    due_at = wanted.due_at if wanted.in_s is None else at.desk.clock() + 1_000 * wanted.in_s
    return _act(at, case_id, action="set_due", who=who, why=wanted.why, due_at=due_at)


@cases.post("/{case_id}/close", responses=CHANGES)
def close(case_id: str, wanted: WantedClose, at: At, who: Who) -> Entry:
    """Close a case, for good."""
    return _act(at, case_id, action="close", who=who, why=wanted.why, outcome=wanted.outcome)


def _act(at: Counter, case_id: str, **wanted: Any) -> Entry:
    wish = Wish(case_id=case_id, entity=_case(at, case_id).entity, **wanted)
    return applied(work.operate(at.desk, wish, at.wait_s))


def _case(at: Counter, case_id: str) -> CaseRow:
    found = at.desk.store.case(case_id)
    if found is None:
        raise missing("case", case_id, "/cases")
    return found
