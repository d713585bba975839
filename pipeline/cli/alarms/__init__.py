"""The commands `fastdata alarms ...`: what operators see of alarms and do with them."""

import typer

from pipeline.cli.alarms import audit, kpis, listing, operating, shelving, show

alarms = typer.Typer(help="See alarms, acknowledge and shelve them, and who did what.", no_args_is_help=True)
listing.add_to(alarms)
show.add_to(alarms)
operating.add_to(alarms)
shelving.add_to(alarms)
audit.add_to(alarms)
kpis.add_to(alarms)


def add_to(app: typer.Typer) -> None:
    """Add this group of commands."""
    app.add_typer(alarms, name="alarms")
