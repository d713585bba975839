"""`rehearse`: a version of a model on recorded events, against what happened."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.given import say, settings_of
from pipeline.errors import RefuseUsageError

FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(rehearse)


def rehearse(
    context: typer.Context,
    *,
    start: Annotated[datetime, typer.Option("--from", formats=FORMATS, help="First event time (UTC).")],
    end: Annotated[datetime, typer.Option("--to", formats=FORMATS, help="End of event time (UTC).")],
    model: Annotated[str, typer.Option(metavar="NAME", help="The model.")],
    version: Annotated[str | None, typer.Option(help="Its version; the latest if left out.")] = None,
    policies: Annotated[
        Path | None,
        typer.Option(metavar="TOML", help="Policies to act by; those of the settings if left out."),
    ] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option(help="Take the events from files instead of the topics; may be repeated."),
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option("--map", help="Mapping of the files' columns to fields (TOML).")
    ] = None,
    top: Annotated[int, typer.Option(min=0, help="How many of the events that moved most to name.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, every id included.")] = False,
) -> None:
    """Let a version of a model score recorded events, and the actors act on its alerts; nothing leaves this process.

    The difference is against what the topics say happened. Alarms and commands are also compared with what today's
    policies make of the alerts of then: that leaves the model as the only difference. Time is event time, every command
    is carried out at once, and nobody acknowledges an alarm.
    """
    if start >= end:
        raise RefuseUsageError("--from has to lie before --to")
    flags = [] if policies is None else [f"policies={policies.absolute()}"]
    settings = settings_of(context, *flags)
    from pipeline.bootstrap import rehearsal  # noqa: PLC0415 - only what runs is loaded
    from pipeline.bootstrap.policies import policies_of  # noqa: PLC0415 - only what runs is loaded
    from pipeline.cli import rehearsal_view  # noqa: PLC0415 - only what runs is loaded
    from processing.labelled import Span  # noqa: PLC0415 - only what runs is loaded

    found = rehearsal.rehearse(
        settings,
        rehearsal.chosen(settings, model, version),
        Span(_ms(start), _ms(end)),
        policies_of(settings),
        files=data or [],
        mapping=mapping,
        top=top,
        report=say,
    )
    typer.echo(json.dumps(asdict(found), indent=2) if as_json else "\n".join(rehearsal_view.told(found)))


def _ms(time: datetime) -> int:
    return round(time.replace(tzinfo=UTC).timestamp() * 1_000)
