"""`alarms ack`, `reset`, `note`, `out-of-service`, `in-service`: what operators do with an alarm, shelving aside."""

from typing import Annotated

import typer

from pipeline.cli.alarms.acting import WAIT_S, Name, Wait, Who, Why, act


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(ack)
    app.command()(reset)
    app.command()(note)
    app.command("out-of-service")(out_of_service)
    app.command("in-service")(in_service)


def ack(context: typer.Context, name: Name, *, as_: Who = None, why: Why = "", wait: Wait = WAIT_S) -> None:
    """Acknowledge an alarm: it is closed once no alert has come for the off-delay; if it has returned, now."""
    act(context, name, "acknowledge", who=as_, why=why, wait=wait)


def reset(context: typer.Context, name: Name, *, as_: Who = None, why: Why = "", wait: Wait = WAIT_S) -> None:
    """Close a latched alarm: one whose policy keeps it, though it has returned and was acknowledged."""
    act(context, name, "reset", who=as_, why=why, wait=wait)


def note(
    context: typer.Context,
    name: Name,
    text: Annotated[str, typer.Argument(help="The note.")],
    *,
    as_: Who = None,
    wait: Wait = WAIT_S,
) -> None:
    """Write a note to an alarm; it stands in the audit."""
    act(context, name, "note", who=as_, why=text, wait=wait)


def out_of_service(
    context: typer.Context, name: Name, *, as_: Who = None, why: Why = "", wait: Wait = WAIT_S
) -> None:
    """Take the alarm's condition out of service: alarms still open, but send no command, until `in-service`."""
    act(context, name, "take_out_of_service", who=as_, why=why, wait=wait)


def in_service(
    context: typer.Context, name: Name, *, as_: Who = None, why: Why = "", wait: Wait = WAIT_S
) -> None:
    """Put the alarm's condition in service again."""
    act(context, name, "put_in_service", who=as_, why=why, wait=wait)
