"""`simulate readings` and `simulate register`: a fleet of machines, to the topics or as files."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.accounts import tell
from pipeline.cli.given import settings_of

if TYPE_CHECKING:
    from ingest.simulate_readings import ReadingOptions

Machines = Annotated[int, typer.Option(min=1, help="Machines: half pumps, the others motors and turbines.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the simulated fleet.")]


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(readings)
    app.command()(register)


def readings(
    context: typer.Context,
    *,
    machines: Machines = 100,
    every: Annotated[
        float, typer.Option(help="Mean time between two readings of a machine, in seconds of event time.")
    ] = 60.0,
    rate: Annotated[
        float | None, typer.Option(help="Readings per second; as fast as possible if left out.")
    ] = None,
    hours: Annotated[float | None, typer.Option(help="End after so many hours of event time.")] = None,
    limit: Annotated[int | None, typer.Option(help="End after so many readings.")] = None,
    start: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
            help="First event time (UTC); early enough if left out.",
        ),
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="Start now, and go on in real time.")] = False,
    faults: Annotated[
        float, typer.Option(help="Machine faults that begin, per machine and day of healthy life.")
    ] = 0.2,
    fault_hours: Annotated[
        float, typer.Option(help="Mean time from a fault's onset to the failure, in hours.")
    ] = 8.0,
    sensor_faults: Annotated[
        float, typer.Option(help="Faults of sensors and clocks that begin, per machine and day.")
    ] = 0.2,
    seed: Seed = 0,
    truth: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False, help="Write what was wrong with which machine and sensor, when: JSON Lines."
        ),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False,
            help="Write so many --hours to a Parquet file for maps/readings.toml, instead of the topics.",
        ),
    ] = None,
) -> None:
    """Simulate readings of pumps, motors and turbines that wear, fail and are repaired; Ctrl-C ends it.

    What a model or an operator orders and the gateway accepts takes effect on the machine: a reduced load, a
    stop, an inspection show in its next readings.
    """
    settings = settings_of(context)
    from ingest.fleet.settings import FleetSettings  # noqa: PLC0415 - only what runs is loaded
    from ingest.simulate_readings import ReadingOptions  # noqa: PLC0415 - only what runs is loaded
    from pipeline import lifeline  # noqa: PLC0415 - only what runs is loaded
    from pipeline.bootstrap import fleets  # noqa: PLC0415 - only what runs is loaded
    from pipeline.cli.bar import bar  # noqa: PLC0415 - only what runs is loaded
    from pipeline.cli.options import checked  # noqa: PLC0415 - only what runs is loaded

    if live and start is not None:
        raise typer.BadParameter("it starts now: leave out --start", param_hint="--live")
    fleet = checked(
        FleetSettings,
        seed=seed,
        machines=machines,
        every_s=every,
        faults_per_machine_day=faults,
        fault_hours=fault_hours,
        sensor_faults_per_machine_day=sensor_faults,
    )
    begin = datetime.now(UTC) if live else start and start.replace(tzinfo=UTC)
    options = checked(ReadingOptions, fleet=fleet, start=begin, hours=hours, events_per_s=rate, limit=limit)
    if to is not None:
        _write(options, to, truth)
        return
    stop = lifeline.stop_event()
    with bar("simulating") as on_progress:
        report = fleets.simulate(settings, options, stop, on_progress, truth)
    tell(report)


def register(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="The file to write (.toml).")],
    *,
    machines: Machines = 100,
    seed: Seed = 0,
) -> None:
    """Write the register of a simulated fleet, for `machines import`: classes, units, ranges and places."""
    from ingest.fleet.settings import FleetSettings  # noqa: PLC0415 - only what runs is loaded
    from pipeline.bootstrap import fleets  # noqa: PLC0415 - only what runs is loaded
    from pipeline.cli.options import checked  # noqa: PLC0415 - only what runs is loaded

    count = fleets.write_register(file, checked(FleetSettings, seed=seed, machines=machines))
    typer.echo(f"{file}: {count:,} machines")


def _write(options: "ReadingOptions", to: Path, truth: Path | None) -> None:
    from pipeline.bootstrap import fleets  # noqa: PLC0415 - only what runs is loaded

    if options.hours is None or options.limit is not None or options.events_per_s is not None:
        raise typer.BadParameter(
            "a file holds so many --hours, and has no --rate or --limit", param_hint="--to"
        )
    typer.echo(f"{to}: {fleets.write_history(options, to, truth):,} readings")
