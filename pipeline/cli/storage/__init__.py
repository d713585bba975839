"""The commands `fastdata storage ...`: what is kept, how it grows, backup and restore."""

import typer

from pipeline.cli.storage import backing_up, reporting

storage = typer.Typer(help="What is kept and how it grows; backup and restore.", no_args_is_help=True)
reporting.add_to(storage)
backing_up.add_to(storage)


def add_to(app: typer.Typer) -> None:
    """Add this group of commands."""
    app.add_typer(storage, name="storage")
