"""`alarms list`: the alarms that want an operator, or those in other states."""

import json
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer

from pipeline.cli.given import say, settings_of


class StateName(StrEnum):
    """The states of an alarm."""

    ACTIVE_UNACKNOWLEDGED = "active_unacknowledged"
    RETURNED_UNACKNOWLEDGED = "returned_unacknowledged"
    ACTIVE_ACKNOWLEDGED = "active_acknowledged"
    SHELVED = "shelved"
    OUT_OF_SERVICE = "out_of_service"
    CLOSED = "closed"


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command("list")(list_alarms)


def list_alarms(
    context: typer.Context,
    *,
    state: Annotated[
        list[StateName] | None,
        typer.Option(help="Only alarms in this state; may be repeated. Default: all but closed ones."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most alarms to list.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List alarms, those opened last first. Of closed ones, the 10,000 alarms opened last are searched."""
    settings = settings_of(context)
    from pipeline.bootstrap import operations  # noqa: PLC0415 - only what runs is loaded
    from pipeline.cli.alarms import view  # noqa: PLC0415 - only what runs is loaded

    found = operations.listed(settings, state or ())
    if as_json:
        typer.echo(json.dumps([asdict(alarm) for alarm in found[:limit]], indent=2))
    else:
        for line in view.table(found[:limit]):
            typer.echo(line)
    if not found:
        say("no such alarm")
    elif len(found) > limit:
        say(f"{len(found) - limit:,} more; see them with --limit {len(found)}")
