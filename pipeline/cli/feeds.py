"""`simulate` and `replay`: sources of events."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli import fleets
from pipeline.cli.accounts import tell
from pipeline.cli.given import settings_of
from pipeline.errors import StopProcessError

simulations = typer.Typer(help="Make up events and send them to the topics.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    fleets.add_to(simulations)
    app.add_typer(simulations, name="simulate")
    app.command()(replay)


@simulations.command()
def transactions(
    context: typer.Context,
    *,
    rate: Annotated[
        float | None,
        typer.Option(help="Events per second, labels included; as fast as possible if left out."),
    ] = None,
    days: Annotated[
        int | None, typer.Option(help="End after so many days of event time and their labels.")
    ] = None,
    limit: Annotated[int | None, typer.Option(help="End after so many events.")] = None,
    first_day: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="First day of event time (UTC); early enough if left out."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the simulated world.")] = 0,
    customers: Annotated[int, typer.Option(min=1, help="Customers, one card each.")] = 1_000,
    terminals: Annotated[int, typer.Option(min=1, help="Terminals.")] = 2_000,
) -> None:
    """Card transactions after the Fraud Detection Handbook, and their labels seven days later; Ctrl-C ends it."""
    settings = settings_of(context)
    from ingest.handbook.settings import HandbookSettings  # noqa: PLC0415 - only what runs is loaded
    from ingest.simulate import SimulationOptions  # noqa: PLC0415 - only what runs is loaded
    from pipeline import lifeline  # noqa: PLC0415 - only what runs is loaded
    from pipeline.bootstrap import feeds  # noqa: PLC0415 - only what runs is loaded
    from pipeline.cli.bar import bar  # noqa: PLC0415 - only what runs is loaded
    from pipeline.cli.options import checked  # noqa: PLC0415 - only what runs is loaded

    options = checked(
        SimulationOptions,
        process=HandbookSettings(seed=seed, customers=customers, terminals=terminals),
        first_day=first_day.date() if first_day else None,
        days=days,
        events_per_s=rate,
        limit=limit,
    )
    stop = lifeline.stop_event()
    with bar("simulating") as on_progress:
        report = feeds.simulate(settings, options, stop, on_progress)
    tell(report)


def replay(
    context: typer.Context,
    files: Annotated[
        list[Path],
        typer.Argument(
            exists=True,
            dir_okay=False,
            help="Parquet, CSV or JSON Lines files (.parquet, .csv, .jsonl, .ndjson), in order.",
        ),
    ],
    *,
    mapping: Annotated[
        Path | None, typer.Option("--map", help="Mapping of columns to fields (TOML), e.g. maps/fdh.toml.")
    ] = None,
    rate: Annotated[float | None, typer.Option(help="Events per second.")] = None,
    speed: Annotated[float | None, typer.Option(help="So many times as fast as event time.")] = None,
    limit: Annotated[int | None, typer.Option(help="At most so many rows; their labels come on top.")] = None,
    start: Annotated[datetime | None, typer.Option(help="Only event times from here on (UTC).")] = None,
    end: Annotated[datetime | None, typer.Option(help="Only event times before this (UTC).")] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Begin again instead of going on.")] = False,
) -> None:
    """Send files to the topics, as fast as possible unless told otherwise.

    A replay that was stopped or has failed goes on where it was when it is called again. Old events belong
    in a namespace of their own: `fastdata --namespace trial replay ...`.
    """
    settings = settings_of(context)
    from ingest.replay import ReplayOptions  # noqa: PLC0415 - only what runs is loaded
    from pipeline import lifeline  # noqa: PLC0415 - only what runs is loaded
    from pipeline.bootstrap import feeds  # noqa: PLC0415 - only what runs is loaded
    from pipeline.cli.bar import bar  # noqa: PLC0415 - only what runs is loaded
    from pipeline.cli.options import checked, progress_file  # noqa: PLC0415 - only what runs is loaded

    options = checked(
        ReplayOptions,
        files=tuple(files),
        mapping=mapping,
        progress_file=progress_file(settings.run_dir, files, mapping),
        events_per_s=rate,
        speed=speed,
        limit=limit,
        start=start and start.replace(tzinfo=UTC),
        end=end and end.replace(tzinfo=UTC),
        restart=restart,
    )
    stop = lifeline.stop_event()
    with bar("replaying") as on_progress:
        report = feeds.replay(settings, options, stop, on_progress)
    tell(report)
    if report.end == "stopped":
        raise StopProcessError("stopped before the end; the same command goes on where it was")
