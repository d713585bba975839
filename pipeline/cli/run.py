"""`run`: the parts of the pipeline as supervised children."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer

from pipeline.cli.given import given_of, say, settings_of


class PartName(StrEnum):
    """The parts of the pipeline."""

    QUERY = "query"
    WRITER = "writer"
    ACTORS = "actors"
    GATEWAY = "gateway"
    NOTIFIER = "notifier"
    RECONCILER = "reconciler"


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(run)


def run(
    context: typer.Context,
    only: Annotated[
        list[PartName] | None,
        typer.Option(help="Run only this part; may be repeated. All parts if left out."),
    ] = None,
    *,
    until_idle: Annotated[
        bool,
        typer.Option("--until-idle", help="End when everything that is in the topics has been dealt with."),
    ] = False,
) -> None:
    """Run the pipeline: scoring query, score writer, actors, device gateway, notifier and reconciler; Ctrl-C ends it cleanly.

    A part that dies is started again, with growing pauses. So is an embedded server.
    Each part logs to its own file in the run's directory.
    """
    settings = settings_of(context)
    from pipeline import lifeline  # noqa: PLC0415 - only what runs is loaded
    from pipeline.bootstrap.run import run_parts  # noqa: PLC0415 - only what runs is loaded

    stop = lifeline.stop_event()
    say(f"logs in {settings.run_dir / 'logs'}")
    run_parts(
        settings,
        given_of(context).origin(),
        [part.value for part in only or PartName],
        until_idle=until_idle,
        stop=stop,
        report=tell,
    )


def tell(name: str, line: str) -> None:
    """Print one change of state."""
    say(f"{datetime.now().astimezone():%H:%M:%S} {name:8} {line}")
