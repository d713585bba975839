"""The commands `fastdata cases ...`: what investigators see of cases and do with them."""

import typer

from pipeline.cli.cases import listing, opening, show, working

cases = typer.Typer(help="See cases, work the most urgent one, and say what came out.", no_args_is_help=True)
listing.add_to(cases)
show.add_to(cases)
opening.add_to(cases)
working.add_to(cases)


def add_to(app: typer.Typer) -> None:
    """Add this group of commands."""
    app.add_typer(cases, name="cases")
