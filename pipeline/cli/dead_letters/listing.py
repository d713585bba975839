"""`dead-letters list` and `audit`: what was refused, counted or one by one; and who sent what again."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from pipeline.cli.dead_letters.filters import Ids, Reasons, Since, Sources, Topics, Until, selection
from pipeline.cli.given import say, settings_of


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("list")(list_letters)
    app.command()(audit)


def list_letters(
    context: typer.Context,
    *,
    each: Annotated[bool, typer.Option("--each", help="List letters one by one instead of counts.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="With --each: at most so many, the newest.")] = 100,
    ids: Ids = None,
    reason: Reasons = None,
    source: Sources = None,
    topic: Topics = None,
    since: Since = None,
    until: Until = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Count refused events by reason, source and topic, or list them."""
    settings = settings_of(context)
    from pipeline.bootstrap import dead_letters  # noqa: PLC0415 - only what runs is loaded
    from pipeline.cli.dead_letters import view  # noqa: PLC0415 - only what runs is loaded

    chosen = selection(ids=ids, reasons=reason, sources=source, topics=topic, since=since, until=until)
    if each:
        letters = dead_letters.each(settings, chosen, limit)
        lines = [view.letter_line(letter, redrive) for letter, redrive in letters]
        values = [view.letter_as_dict(letter, redrive) for letter, redrive in letters]
    else:
        groups = dead_letters.grouped(settings, chosen)
        lines, values = list(view.groups(groups)), [asdict(group) for group in groups]
    typer.echo(json.dumps(values, indent=2) if as_json else "\n".join(lines) or "no dead letters")
    hours = dead_letters.kept_hours(settings)
    if not as_json and lines and hours is not None:
        say(f"letters are kept for {hours / 24:g} days (kafka.topics.dead-letters.retention_hours)")


def audit(
    context: typer.Context,
    *,
    limit: Annotated[int, typer.Option(min=1, help="Most entries to list.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List which letters were sent again, by whom and why, the latest first."""
    settings = settings_of(context)
    from pipeline.bootstrap import dead_letters  # noqa: PLC0415 - only what runs is loaded
    from pipeline.cli.dead_letters import view  # noqa: PLC0415 - only what runs is loaded

    found = dead_letters.audited(settings, limit)
    if as_json:
        typer.echo(json.dumps([asdict(redrive) for redrive in found], indent=2))
    else:
        typer.echo("\n".join(map(view.redrive_line, found)) or "nothing was sent again yet")
