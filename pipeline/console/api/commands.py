"""`/commands`: what operators see of commands to devices and do with them, one at a time or all at once."""

from http import HTTPStatus
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Query
from pydantic import Field

from models.actions import CommandKind, CommandStatus
from models.operations import CommandAction
from pipeline import commands as work
from pipeline.commands import Wish
from pipeline.console.api import shapes
from pipeline.console.api.counter import At, Counter, Who
from pipeline.console.api.outcomes import applied, missing
from pipeline.console.api.problems import responses
from pipeline.console.api.shapes import CommandStory, Entry, Order, StopState, Wanted
from storage.orders import OrderRow

commands = APIRouter(prefix="/commands", tags=["commands"], responses=responses(HTTPStatus.NOT_FOUND))
CHANGES = responses(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)


class WantedCommand(Wanted):
    """A command by hand, as far as a policy allows it."""

    entity: str = Field(min_length=1, description="The card or machine.")
    kind: CommandKind
    alarm_id: str | None = Field(default=None, description="The alarm that is the reason.")


@commands.get("")
def list_commands(
    at: At,
    status: Annotated[
        list[CommandStatus] | None, Query(description="Default: those that have not ended.")
    ] = None,
    entity: Annotated[str | None, Query(description="Only for this card or machine.")] = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 100,
) -> list[Order]:
    """List commands, those issued last first."""
    rows = [row for row in work.listed(at.desk.store, status or ()) if entity in {None, row.entity}]
    return [shapes.order(row) for row in rows[:limit]]


@commands.post("", responses=CHANGES)
def send(wanted: WantedCommand, at: At, who: Who) -> Entry:
    """Send a command: a policy has to allow it by hand, or for the model of one of the entity's alarms."""
    return _operate(
        at,
        action="send",
        entity=wanted.entity,
        command_id=f"command-{uuid4().hex}",
        who=who,
        why=wanted.why,
        kind=wanted.kind,
        alarm_id=wanted.alarm_id,
    )


@commands.get("/stop")
def show_stop(at: At) -> StopState:
    """Tell whether all commands are stopped, since when, by whom and why."""
    return StopState.model_validate(at.desk.store.command_stop()._asdict())


@commands.post("/stop-all", responses=CHANGES)
def stop_all(wanted: Wanted, at: At, who: Who) -> Entry:
    """Hold back all commands, within a second, until `resume`; held ones expire all the same."""
    return applied(work.stop_all(at.desk, who=who, why=wanted.why))


@commands.post("/resume", responses=CHANGES)
def resume(wanted: Wanted, at: At, who: Who) -> Entry:
    """Let commands go again, those that were held back too."""
    return applied(work.resume(at.desk, who=who, why=wanted.why))


@commands.get("/{command_id}")
def show_command(command_id: str, at: At) -> CommandStory:
    """Show how far a command has come, why, and what operators did with it."""
    _row(at, command_id)
    (told,) = work.told(at.desk.store, command_id)
    return shapes.command_story(told)


@commands.post("/{command_id}/approve", responses=CHANGES)
def approve(command_id: str, wanted: Wanted, at: At, who: Who) -> Entry:
    """Approve a command that awaits it; nobody approves what they have sent, or twice."""
    return _act(at, command_id, "approve", who, wanted.why)


@commands.post("/{command_id}/cancel", responses=CHANGES)
def cancel(command_id: str, wanted: Wanted, at: At, who: Who) -> Entry:
    """Cancel a command; a device that may have it is asked to drop it, and its answer tells whether it did."""
    return _act(at, command_id, "cancel", who, wanted.why)


@commands.post("/{command_id}/revert", responses=CHANGES)
def revert(command_id: str, wanted: Wanted, at: At, who: Who) -> Entry:
    """Undo a command by its counter-command, once."""
    return _act(at, command_id, "revert", who, wanted.why)


def _act(at: Counter, command_id: str, action: CommandAction, who: str, why: str) -> Entry:
    row = _row(at, command_id)
    return _operate(at, action=action, entity=row.entity, command_id=command_id, who=who, why=why)


def _operate(at: Counter, **wanted: Any) -> Entry:
    return applied(work.operate(at.desk, Wish(**wanted), at.wait_s))


def _row(at: Counter, command_id: str) -> OrderRow:
    found = at.desk.store.order(command_id)
    if found is None:
        raise missing("command", command_id, "/commands")
    return found
