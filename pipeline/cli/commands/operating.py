"""`commands approve`, `cancel`, `revert`: what operators do with a command."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.commands.acting import WAIT_S, Wait, Who, Why, tell
from pipeline.cli.given import settings_of
from pipeline.os_user import os_user

if TYPE_CHECKING:
    from models.actions import CommandStatus
    from models.operations import CommandAction

Name = Annotated[
    str,
    typer.Argument(metavar="COMMAND_ID|ENTITY", help="A command, or a card or machine with one that fits."),
]


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (approve, cancel, revert):
        app.command()(command)


def approve(
    context: typer.Context, name: Name, *, as_: Who = None, why: Why = "", wait: Wait = WAIT_S
) -> None:
    """Approve a command that awaits it; nobody approves what they have sent, or twice."""
    _act(context, name, "approve", ("awaiting_approval",), as_, why, wait)


def cancel(
    context: typer.Context, name: Name, *, as_: Who = None, why: Why = "", wait: Wait = WAIT_S
) -> None:
    """Cancel a command; a device that may have it is asked to drop it, and its answer tells whether it did."""
    _act(
        context, name, "cancel", ("awaiting_approval", "held", "queued", "sent", "delivered"), as_, why, wait
    )


def revert(
    context: typer.Context, name: Name, *, as_: Who = None, why: Why = "", wait: Wait = WAIT_S
) -> None:
    """Undo a command by its counter-command, once."""
    _act(context, name, "revert", ("succeeded", "timed_out"), as_, why, wait)


def _act(  # noqa: PLR0917 - they are the options of all three
    context: typer.Context,
    name: str,
    action: "CommandAction",
    fits: "Sequence[CommandStatus]",
    who: str | None,
    why: str,
    wait: float,
) -> None:
    settings = settings_of(context)
    from pipeline.bootstrap import commands  # noqa: PLC0415 - only what runs is loaded

    tell(commands.operate(settings, name, action, who=who or os_user(), why=why, wait_s=wait, fits=fits))
