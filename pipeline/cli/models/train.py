"""`models train`: a model from files, or from simulated history."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from pipeline import specs
from pipeline.cli.given import say, settings_of
from pipeline.errors import RefuseUsageError

DAYS = 60
Model = Annotated[str, typer.Argument(help="Import string of a model, as in module:NAME.")]
Mapping = Annotated[
    Path | None, typer.Option("--map", help="Mapping of columns to fields (TOML), e.g. maps/fdh.toml.")
]


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(train)


def train(
    context: typer.Context,
    model: Model = specs.FRAUD,
    *,
    data: Annotated[
        list[Path] | None,
        typer.Option(help="Parquet, CSV or JSON Lines file; may be repeated. Simulated history if left out."),
    ] = None,
    mapping: Mapping = None,
    days: Annotated[
        int | None, typer.Option(min=21, help=f"Days of simulated history; {DAYS} if left out.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Seed of the simulated world; 0 if left out.")
    ] = None,
) -> None:
    """Train a model and keep it as a text artifact, to be deployed.

    The latest quarter of the events is held out for metrics and threshold. A model that learns from runs to failure is
    measured on a quarter of the machines, and then learns from all.
    """
    settings = settings_of(context)
    spec = specs.load(model)
    if data and (days is not None or seed is not None):
        raise RefuseUsageError("--days and --seed are of a simulated history: leave them out beside --data")
    if mapping is not None and not data:
        raise RefuseUsageError("--map says what the columns of --data mean: say which file, too")
    from ingest.handbook.settings import HandbookSettings  # noqa: PLC0415 - only what runs is loaded
    from pipeline.bootstrap import training  # noqa: PLC0415 - only what runs is loaded

    if data:
        file = training.train_on_files(settings, spec, data, mapping, say)
    else:
        world = HandbookSettings(seed=seed or 0)
        first_day = datetime.now(UTC).date() - timedelta(days=(days or DAYS) + world.label_delay_days)
        file = training.train_model(settings, spec, world, first_day=first_day, days=days or DAYS, report=say)
    typer.echo(str(file))
