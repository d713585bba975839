"""The commands `fastdata notifications ...`: what was told, to whom and when; and trying a channel."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.given import say, settings_of

if TYPE_CHECKING:
    from actors.notifier.ledger import Told

notifications = typer.Typer(
    help="Who was told of alarms, and whether a channel works. Who is told of what is in the policies: "
    "`fastdata policies show`.",
    no_args_is_help=True,
)


def add_to(app: typer.Typer) -> None:
    """Add this group of commands."""
    app.add_typer(notifications, name="notifications")


@notifications.command("list")
def list_notifications(
    context: typer.Context,
    *,
    channel: Annotated[str | None, typer.Option(help="Only messages to this channel.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most messages to list.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the messages that were sent, failed or wait, the latest first."""
    settings = settings_of(context)
    from pipeline.bootstrap import notifier  # noqa: PLC0415 - only what runs is loaded

    found = notifier.told(settings, limit, channel)
    if as_json:
        typer.echo(json.dumps([as_dict(told) for told in found], indent=2))
    elif found:
        typer.echo("\n".join(map(line, found)))
    else:
        say("nobody was told anything yet")


@notifications.command("test")
def test_channel(
    context: typer.Context,
    channel: Annotated[str, typer.Argument(help="A channel of the policies, or `local`.")],
) -> None:
    """Send a test message through a channel, and say whether it was taken."""
    settings = settings_of(context)
    from pipeline.bootstrap import notifier  # noqa: PLC0415 - only what runs is loaded

    reason = notifier.try_out(settings, channel)
    if reason is not None:
        say(f"not taken: {reason}")
        raise typer.Exit(1)
    typer.echo(f"channel {channel} has taken the message")


def line(told: "Told") -> str:
    """Return one message as a line for people, and a second one with why it failed."""
    message = told.message
    instead = f" (instead of {message.instead_of})" if message.instead_of else ""
    tried = f", {told.attempts} attempts" if told.attempts > 1 else ""
    why = f"\n    {told.reason}" if told.reason else ""
    at = f"{datetime.fromtimestamp(message.created_at / 1000, UTC):%Y-%m-%d %H:%M:%S}"
    return f"{at} UTC  {told.state}{tried}  {message.channel}{instead}: {message.title}{why}"


def as_dict(told: "Told") -> dict[str, Any]:
    """Return one message as plain values."""
    message = told.message
    return {
        "number": message.number,
        "state": told.state,
        "channel": message.channel,
        "instead_of": message.instead_of,
        "route": message.route or None,
        "kind": message.kind,
        "severity": message.severity,
        "changes": message.changes,
        "title": message.title,
        "body": message.body,
        "created_at": message.created_at,
        "finished_at": told.finished_at,
        "attempts": told.attempts,
        "reason": told.reason,
    }
