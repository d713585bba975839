"""The commands `fastdata dead-letters ...`: what was refused, what is wrong with it, and sending it again."""

import typer

from pipeline.cli.dead_letters import fixing, listing, redriving, show

letters = typer.Typer(
    help="See refused events, fix them in bulk, send them again, once.", no_args_is_help=True
)
listing.add_to(letters)
show.add_to(letters)
fixing.add_to(letters)
redriving.add_to(letters)


def add_to(app: typer.Typer) -> None:
    """Add this group of commands."""
    app.add_typer(letters, name="dead-letters")
