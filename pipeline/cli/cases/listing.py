"""`cases list`: the cases that are open, the most urgent first, or closed ones."""

import json
from enum import StrEnum
from typing import Annotated

import typer

from pipeline.cli.given import say, settings_of


class StateName(StrEnum):
    """The states of a case."""

    OPEN = "open"
    ASSIGNED = "assigned"
    CLOSED = "closed"


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command("list")(list_cases)


def list_cases(
    context: typer.Context,
    *,
    state: Annotated[
        list[StateName] | None,
        typer.Option(help="Only cases in this state; may be repeated. Default: all but closed ones."),
    ] = None,
    assignee: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Only cases that this investigator works or has closed."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most cases to list.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List cases: overdue ones first, then by severity and due time. Of closed ones, the 10,000 opened last are searched."""
    settings = settings_of(context)
    from pipeline.bootstrap import cases  # noqa: PLC0415 - only what runs is loaded
    from pipeline.bootstrap.clocks import wall_ms  # noqa: PLC0415 - only what runs is loaded
    from pipeline.cli.cases import view  # noqa: PLC0415 - only what runs is loaded

    found = [
        c for c in cases.listed(settings, [s.value for s in state or ()]) if assignee in (None, c.assignee)
    ]
    if as_json:
        typer.echo(json.dumps([view.row_as_dict(case, wall_ms()) for case in found[:limit]], indent=2))
    else:
        for line in view.table(found[:limit], wall_ms()):
            typer.echo(line)
    if not found:
        say("no such case")
    elif len(found) > limit:
        say(f"{len(found) - limit:,} more; see them with --limit {len(found)}")
