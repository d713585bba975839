"""`commands show`: everything about one command, or about all commands of an entity."""

import json
from typing import Annotated

import typer

from pipeline.cli.given import settings_of


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(show)


def show(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="COMMAND_ID|ENTITY", help="A command, or a card or machine.")
    ],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show how far a command has come, why, and what operators did; for an entity all its commands, newest first."""
    settings = settings_of(context)
    from pipeline.bootstrap import commands  # noqa: PLC0415 - only what runs is loaded
    from pipeline.cli.commands import view  # noqa: PLC0415 - only what runs is loaded

    found = commands.told(settings, name)
    if as_json:
        typer.echo(json.dumps([view.as_dict(each) for each in found], indent=2))
    else:
        typer.echo("\n".join(line for each in found for line in view.story(each)))
