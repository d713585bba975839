"""`dead-letters redrive`: send letters through the door again."""

import json
from typing import Annotated

import typer

from pipeline.cli.dead_letters.filters import Ids, Reasons, Since, Sources, Topics, Until, selection
from pipeline.cli.given import settings_of
from pipeline.errors import RefuseUsageError
from pipeline.os_user import os_user


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(redrive)


def redrive(
    context: typer.Context,
    *,
    why: Annotated[str, typer.Option("--why", help="The reason, for the audit.")],
    fix: Annotated[str | None, typer.Option(help="Send the letters of this fix, fixed.")] = None,
    as_: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="Who does it; default: the OS user.")
    ] = None,
    ids: Ids = None,
    reason: Reasons = None,
    source: Sources = None,
    topic: Topics = None,
    since: Since = None,
    until: Until = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Send letters again, as they are or fixed: each once, however often this is repeated.

    An event keeps its id. Events older than the watermark (processing.watermark_delay_hours) may be dropped by the
    query as late; `verify` names them.
    """
    filters = selection(ids=ids, reasons=reason, sources=source, topics=topic, since=since, until=until)
    if fix is not None and filters != selection():
        raise RefuseUsageError("--fix names its letters: give no other filter with it")
    settings = settings_of(context)
    from pipeline.bootstrap import dead_letters  # noqa: PLC0415 - only what runs is loaded
    from pipeline.cli.dead_letters import view  # noqa: PLC0415 - only what runs is loaded
    from pipeline.dead_letters.recipe import Recipe  # noqa: PLC0415 - only what runs is loaded

    chosen, recipe = (filters, Recipe()) if fix is None else dead_letters.planned(settings, fix)
    report = dead_letters.redriven(settings, chosen, recipe, as_ or os_user(), why)
    typer.echo(json.dumps(vars(report), indent=2) if as_json else view.report(report))
