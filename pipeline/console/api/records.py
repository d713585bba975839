"""`/audit`, `/policies` and `/health`: who did what, by which rules, and whether anybody is there to do it."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from pipeline.console.api.counter import At
from pipeline.console.api.problems import responses
from pipeline.console.api.shapes import Entry, entry

records = APIRouter(responses=responses())


class Health(BaseModel):
    """Whether changes can be made."""

    status: Literal["ok", "no_actors"]
    actors: int = Field(description="Actor workers that run.")


@records.get("/audit", tags=["audit"])
def audit(
    at: At,
    entity: Annotated[str | None, Query(description="Only of this card or machine.")] = None,
    target: Annotated[
        str | None, Query(description="Only of this alarm, command or case; needs its `entity`.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 100,
) -> list[Entry]:
    """List what people did, the latest first, refused operations included."""
    store = at.desk.store
    found = store.latest_audit(limit) if entity is None else store.audit_of_entity(entity)
    return [entry(each) for each in found if target in {None, each.operation.target}][:limit]


@records.get("/policies", tags=["policies"])
def policies(at: At) -> dict[str, Any]:
    """Show the policies that this process has read, with every default; actors hold what they have read at their start."""
    return at.policies.model_dump(mode="json", by_alias=True)


@records.get("/health", tags=["health"])
def health(at: At) -> Health:
    """Tell whether actors run, without which nothing can be changed."""
    actors = at.desk.actors()
    return Health(status="ok" if actors else "no_actors", actors=actors)
