"""`models new`: a working model's file to start from."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.given import say


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(new)


def new(
    name: Annotated[str, typer.Argument(help="Of the model and its file: lower-case letters, digits, _.")],
) -> None:
    """Write NAME.py with a working model into this directory."""
    from pipeline.new_model import write_model  # noqa: PLC0415 - only what runs is loaded

    file = write_model(Path.cwd(), name)
    typer.echo(str(file))
    say(f"next: fastdata models check {name}:MODEL, then models train {name}:MODEL")
