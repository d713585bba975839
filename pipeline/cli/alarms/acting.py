"""What all commands that change an alarm share: their options, and how the outcome is told."""

from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.given import settings_of
from pipeline.errors import RefuseUsageError
from pipeline.os_user import os_user

if TYPE_CHECKING:
    from models.operations import AlarmAction

Name = Annotated[
    str,
    typer.Argument(metavar="ALARM_ID|ENTITY", help="An alarm, or a card or machine with one open alarm."),
]
Who = Annotated[str | None, typer.Option("--as", metavar="NAME", help="Who does it; default: the OS user.")]
Why = Annotated[str, typer.Option("--why", help="The reason, for the audit.")]
Wait = Annotated[float, typer.Option(min=0.1, help="Seconds to wait for the actor, after which it expires.")]
WAIT_S = 15.0


def act(
    context: typer.Context,
    name: str,
    action: "AlarmAction",
    *,
    who: str | None,
    why: str,
    wait: float,
    lasts_s: int | None = None,
) -> None:
    """Do it, and print the outcome; a refusal is an error that names the reason."""
    settings = settings_of(context)
    from pipeline.bootstrap import operations  # noqa: PLC0415 - only what runs is loaded
    from pipeline.cli.alarms import view  # noqa: PLC0415 - only what runs is loaded

    entry = operations.operate(
        settings, name, action, who=who or os_user(), why=why, wait_s=wait, lasts_s=lasts_s
    )
    if entry.verdict == "refused":
        raise RefuseUsageError(f"{entry.operation.target}: refused: {entry.reason}")
    typer.echo(view.outcome(entry))
