"""The commands `fastdata models ...`: the life of a model, from a new file to its retirement."""

import typer

from pipeline.cli.models import backtest, check, deploying, explain, listing, new, train

models = typer.Typer(help="Write, check, train, compare and deploy models.", no_args_is_help=True)
new.add_to(models)
check.add_to(models)
explain.add_to(models)
train.add_to(models)
backtest.add_to(models)
listing.add_to(models)
deploying.add_to(models)


def add_to(app: typer.Typer) -> None:
    """Add this group of commands."""
    app.add_typer(models, name="models")
