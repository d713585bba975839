"""`commands list`: the commands that something is still to come of, or those in other states."""

import json
from enum import StrEnum
from typing import Annotated

import typer

from pipeline.cli.given import say, settings_of


class StatusName(StrEnum):
    """The states of a command."""

    AWAITING_APPROVAL = "awaiting_approval"
    HELD = "held"
    DRY_RUN = "dry_run"
    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    SUCCEEDED = "succeeded"
    REFUSED = "refused"
    TIMED_OUT = "timed_out"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command("list")(list_commands)


def list_commands(
    context: typer.Context,
    *,
    status: Annotated[
        list[StatusName] | None,
        typer.Option(
            help="Only commands in this state; may be repeated. Default: those that have not ended."
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most commands to list.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List commands, those issued last first. Of ended ones, the 10,000 commands issued last are searched."""
    settings = settings_of(context)
    from pipeline.bootstrap import commands  # noqa: PLC0415 - only what runs is loaded
    from pipeline.cli.commands import view  # noqa: PLC0415 - only what runs is loaded

    found, stop = commands.listed(settings, [each.value for each in status or ()])
    if as_json:
        typer.echo(json.dumps([view.row_as_dict(row) for row in found[:limit]], indent=2))
    else:
        for line in view.table(found[:limit]):
            typer.echo(line)
    if stop.stopped:
        say(view.stopped(stop))
    if not found:
        say("no such command")
    elif len(found) > limit:
        say(f"{len(found) - limit:,} more; see them with --limit {len(found)}")
