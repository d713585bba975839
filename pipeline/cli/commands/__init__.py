"""The commands `fastdata commands ...`: what operators see of commands to devices and do with them."""

import typer

from pipeline.cli.commands import listing, operating, sending, show, stopping

commands = typer.Typer(
    help="See commands to devices, send, approve, cancel and undo them, and stop all.", no_args_is_help=True
)
listing.add_to(commands)
show.add_to(commands)
sending.add_to(commands)
operating.add_to(commands)
stopping.add_to(commands)


def add_to(app: typer.Typer) -> None:
    """Add this group of commands."""
    app.add_typer(commands, name="commands")
