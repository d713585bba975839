"""`train`: a model from simulated history."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from pipeline import specs
from pipeline.cli.given import say, settings_of


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(train)


def train(
    context: typer.Context,
    model: Annotated[
        str, typer.Option(help="Import string of a model spec; modules of the working directory are found.")
    ] = specs.FRAUD,
    days: Annotated[int, typer.Option(min=14, help="Days of simulated history.")] = 60,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the simulated world.")] = 0,
) -> None:
    """Train a model on simulated history of transactions and keep it as a text artifact for `run`."""
    settings = settings_of(context)
    from ingest.handbook.settings import HandbookSettings  # noqa: PLC0415 - only what runs is loaded
    from pipeline.bootstrap import training  # noqa: PLC0415 - only what runs is loaded

    world = HandbookSettings(seed=seed)
    first_day = datetime.now(UTC).date() - timedelta(days=days + world.label_delay_days)
    file = training.train_model(
        settings, specs.load(model), world, first_day=first_day, days=days, report=say
    )
    typer.echo(str(file))
