"""`alarms audit`: who did what, when, why, and what became of it."""

import json
from typing import Annotated

import typer

from pipeline.cli.given import say, settings_of


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(audit)


def audit(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="[ALARM_ID|ENTITY]", help="Only of this alarm, card or machine.")
    ] = None,
    *,
    limit: Annotated[int, typer.Option(min=1, help="Most entries to list.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List what operators did, the latest first, refused actions included."""
    settings = settings_of(context)
    from pipeline.bootstrap import operations  # noqa: PLC0415 - only what runs is loaded
    from pipeline.cli.alarms import view  # noqa: PLC0415 - only what runs is loaded

    found = operations.audited(settings, name, limit)
    if as_json:
        typer.echo(json.dumps([view.entry_as_dict(entry) for entry in found], indent=2))
    elif found:
        typer.echo("\n".join(map(view.entry, found)))
    else:
        say("nobody did anything yet")
