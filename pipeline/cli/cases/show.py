"""`cases show`: the whole story of one case, or of all cases of an entity."""

import json
from typing import Annotated

import typer

from pipeline.cli.cases.acting import Name
from pipeline.cli.given import settings_of


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(show)


def show(
    context: typer.Context,
    name: Name,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show a case's evidence as it joined, and what investigators did; for an entity all its cases, newest first."""
    settings = settings_of(context)
    from pipeline.bootstrap import cases  # noqa: PLC0415 - only what runs is loaded
    from pipeline.bootstrap.clocks import wall_ms  # noqa: PLC0415 - only what runs is loaded
    from pipeline.cli.cases import view  # noqa: PLC0415 - only what runs is loaded

    found = cases.told(settings, name)
    if as_json:
        typer.echo(json.dumps([view.as_dict(each, wall_ms()) for each in found], indent=2))
    else:
        typer.echo("\n".join(line for each in found for line in view.story(each, wall_ms())))
