"""`alarms kpis`: how the alarms are for those who work them."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from pipeline.cli.given import settings_of


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command("kpis")(show_kpis)


def show_kpis(
    context: typer.Context,
    *,
    since: Annotated[str, typer.Option(metavar="TIME", help="How far back, such as 90m, 8h or 7d.")] = "8h",
    shift: Annotated[str, typer.Option(metavar="TIME", help="The length of a shift.")] = "8h",
    operators: Annotated[
        int | None,
        typer.Option(min=1, help="How many people work at a time; default: as many as the audit names."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure the alarms as ISA-18.2 does: rate, peak, floods, chattering, stale, standing, the top 10, times, shifts."""
    settings = settings_of(context)
    from pipeline.bootstrap import operations  # noqa: PLC0415 - only what runs is loaded
    from pipeline.cli.alarms import kpi_view  # noqa: PLC0415 - only what runs is loaded
    from pipeline.durations import seconds  # noqa: PLC0415 - only what runs is loaded

    found = operations.measured(settings, seconds(since), seconds(shift), operators)
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=2))
    else:
        typer.echo("\n".join(kpi_view.report(found)))
