"""`/alarms`: what operators see of alarms and do with them."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from models.alarms import AlarmState, Severity
from models.operations import AlarmAction
from pipeline import operators
from pipeline.console.api import shapes
from pipeline.console.api.counter import At, Counter, Who
from pipeline.console.api.outcomes import applied, missing
from pipeline.console.api.problems import responses
from pipeline.console.api.shapes import AlarmStory, Entry, Wanted
from pipeline.operators import Wish
from storage.alarms import AlarmRow

alarms = APIRouter(prefix="/alarms", tags=["alarms"], responses=responses(HTTPStatus.NOT_FOUND))
CHANGES = responses(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)


class WantedShelf(Wanted):
    """A condition that shall be set aside."""

    lasts_s: Annotated[
        int | None, Field(gt=0, le=30 * 86_400, description="Seconds; null: until the alarm returns.")
    ]


@alarms.get("")
def list_alarms(
    at: At,
    *,
    state: Annotated[list[AlarmState] | None, Query(description="Default: all but closed ones.")] = None,
    entity: Annotated[str | None, Query(description="Only of this card or machine.")] = None,
    condition: Annotated[str | None, Query(description="Only of this model.")] = None,
    severity: Annotated[list[Severity] | None, Query(description="Only of these severities.")] = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 100,
) -> list[AlarmRow]:
    """List alarms, those opened last first."""
    found = operators.listed(at.desk.store, state or (), severity or ())
    return [
        alarm for alarm in found if entity in {None, alarm.entity} and condition in {None, alarm.condition}
    ][:limit]


@alarms.get("/{alarm_id}")
def show_alarm(alarm_id: str, at: At) -> AlarmStory:
    """Show one alarm: its life, its shelf, and what operators did with it."""
    _alarm(at, alarm_id)
    (told,) = operators.told(at.desk.store, alarm_id)
    return shapes.alarm_story(told)


@alarms.post("/{alarm_id}/acknowledge", responses=CHANGES)
def acknowledge(alarm_id: str, wanted: Wanted, at: At, who: Who) -> Entry:
    """Acknowledge an alarm."""
    return _act(at, alarm_id, "acknowledge", who, wanted.why)


@alarms.post("/{alarm_id}/shelve", responses=CHANGES)
def shelve(alarm_id: str, wanted: WantedShelf, at: At, who: Who) -> Entry:
    """Set an alarm's condition aside for a while; shelving again sets a new end."""
    return _act(at, alarm_id, "shelve", who, wanted.why, lasts_s=wanted.lasts_s)


@alarms.post("/{alarm_id}/unshelve", responses=CHANGES)
def unshelve(alarm_id: str, wanted: Wanted, at: At, who: Who) -> Entry:
    """End a shelf before its time."""
    return _act(at, alarm_id, "unshelve", who, wanted.why)


@alarms.post("/{alarm_id}/note", responses=CHANGES)
def note(alarm_id: str, wanted: Wanted, at: At, who: Who) -> Entry:
    """Write a note to an alarm, `why` being its text; it stands in the audit."""
    return _act(at, alarm_id, "note", who, wanted.why)


@alarms.post("/{alarm_id}/reset", responses=CHANGES)
def reset(alarm_id: str, wanted: Wanted, at: At, who: Who) -> Entry:
    """Reset an alarm that is latched."""
    return _act(at, alarm_id, "reset", who, wanted.why)


@alarms.post("/{alarm_id}/out-of-service", responses=CHANGES)
def out_of_service(alarm_id: str, wanted: Wanted, at: At, who: Who) -> Entry:
    """Take the alarm's condition out of service: alarms still open, but send no command."""
    return _act(at, alarm_id, "take_out_of_service", who, wanted.why)


@alarms.post("/{alarm_id}/in-service", responses=CHANGES)
def in_service(alarm_id: str, wanted: Wanted, at: At, who: Who) -> Entry:
    """Put the alarm's condition in service again."""
    return _act(at, alarm_id, "put_in_service", who, wanted.why)


def _act(
    at: Counter, alarm_id: str, action: AlarmAction, who: str, why: str, *, lasts_s: int | None = None
) -> Entry:
    wish = Wish(action, _alarm(at, alarm_id), who, why, lasts_s)
    return applied(operators.operate(at.desk, wish, at.wait_s))


def _alarm(at: Counter, alarm_id: str) -> AlarmRow:
    found = at.desk.store.alarm(alarm_id)
    if found is None:
        raise missing("alarm", alarm_id, "/alarms")
    return found
