"""`cases assign`, `release`, `note`, `due`, `close`: what an investigator does with a case."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer

from pipeline.cli.cases.acting import WAIT_S, Name, Wait, Who, Why, act
from pipeline.errors import RefuseUsageError
from pipeline.os_user import os_user


class OutcomeName(StrEnum):
    """What a case may come to."""

    CONFIRMED = "confirmed"
    FALSE_ALARM = "false_alarm"
    INCONCLUSIVE = "inconclusive"


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (assign, release, note, due, close):
        app.command()(command)


def assign(
    context: typer.Context,
    name: Name,
    *,
    to: Annotated[str | None, typer.Option(metavar="NAME", help="Who shall work it; default: you.")] = None,
    as_: Who = None,
    why: Why = "",
    wait: Wait = WAIT_S,
) -> None:
    """Give a case that nobody works to an investigator."""
    act(context, name, "assign", who=as_, why=why, wait=wait, assignee=to or as_ or os_user())


def release(
    context: typer.Context, name: Name, *, as_: Who = None, why: Why = "", wait: Wait = WAIT_S
) -> None:
    """Let others work a case; taking it from somebody else needs a reason."""
    act(context, name, "release", who=as_, why=why, wait=wait)


def note(
    context: typer.Context,
    name: Name,
    text: Annotated[str, typer.Argument(help="The note.")],
    *,
    as_: Who = None,
    wait: Wait = WAIT_S,
) -> None:
    """Write a note to a case; it stands in the audit. A closed case takes notes too."""
    act(context, name, "note", who=as_, why=text, wait=wait)


def due(
    context: typer.Context,
    name: Name,
    *,
    in_: Annotated[
        str | None, typer.Option("--in", metavar="TIME", help="How long from now, such as 90m, 2h or 1d.")
    ] = None,
    at: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"], help="When (UTC)."),
    ] = None,
    as_: Who = None,
    why: Why = "",
    wait: Wait = WAIT_S,
) -> None:
    """Say by when a case should be closed."""
    from pipeline.durations import seconds  # noqa: PLC0415 - only what runs is loaded

    if (in_ is None) == (at is None):
        raise RefuseUsageError("say by when: --in TIME, or --at DATE")
    due_in_ms = None if in_ is None else 1_000 * seconds(in_)
    due_at = None if at is None else round(at.replace(tzinfo=UTC).timestamp() * 1_000)
    act(context, name, "set_due", who=as_, why=why, wait=wait, due_at=due_at, due_in_ms=due_in_ms)


def close(
    context: typer.Context,
    name: Name,
    outcome: Annotated[OutcomeName, typer.Argument(help="What came out.")],
    *,
    as_: Who = None,
    why: Why = "",
    wait: Wait = WAIT_S,
) -> None:
    """Close a case, for good: confirmed and false_alarm become labels of the transactions in its evidence."""
    act(context, name, "close", who=as_, why=why, wait=wait, outcome=outcome.value)
