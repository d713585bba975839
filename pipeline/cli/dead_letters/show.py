"""`dead-letters show`: everything about one refused event."""

import json
from typing import Annotated

import typer

from pipeline.cli.given import settings_of


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(show)


def show(
    context: typer.Context,
    letter: Annotated[str, typer.Argument(metavar="LETTER", help="A letter's name, or its beginning.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show why an event was refused, field by field, card numbers masked."""
    settings = settings_of(context)
    from pipeline.bootstrap import dead_letters  # noqa: PLC0415 - only what runs is loaded
    from pipeline.cli.dead_letters import view  # noqa: PLC0415 - only what runs is loaded

    found = dead_letters.shown(settings, letter)
    typer.echo(json.dumps(view.as_dict(found), indent=2) if as_json else "\n".join(view.story(found)))
