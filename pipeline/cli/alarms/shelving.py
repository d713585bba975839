"""`alarms shelve` and `unshelve`: setting an alarm aside for a while."""

from typing import Annotated

import typer

from pipeline.cli.alarms.acting import WAIT_S, Name, Wait, Who, Why, act
from pipeline.errors import RefuseUsageError


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(shelve)
    app.command()(unshelve)


def shelve(
    context: typer.Context,
    name: Name,
    *,
    for_: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help="How long, such as 90m, 2h or 1d.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Until the alarm returns.")] = False,
    as_: Who = None,
    why: Why = "",
    wait: Wait = WAIT_S,
) -> None:
    """Set an alarm's condition aside: it takes alerts but sends no command. Shelving again sets a new end."""
    from pipeline.durations import seconds  # noqa: PLC0415 - only what runs is loaded

    if (for_ is None) != once:
        raise RefuseUsageError("say how long: --for TIME, or --once until the alarm returns")
    lasts_s = None if for_ is None else seconds(for_)
    act(context, name, "shelve", who=as_, why=why, wait=wait, lasts_s=lasts_s)


def unshelve(
    context: typer.Context, name: Name, *, as_: Who = None, why: Why = "", wait: Wait = WAIT_S
) -> None:
    """End a shelf before its time."""
    act(context, name, "unshelve", who=as_, why=why, wait=wait)
