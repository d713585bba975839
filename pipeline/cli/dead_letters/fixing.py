"""`dead-letters fix`: try a fix on many letters and show what it changes; nothing is sent."""

import json
from typing import Annotated

import typer

from pipeline.cli.dead_letters.filters import Ids, Reasons, Since, Sources, Topics, Until, selection
from pipeline.cli.given import say, settings_of
from pipeline.errors import RefuseUsageError


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(fix)


def fix(
    context: typer.Context,
    *,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="FIELD=EXPRESSION",
            help="Compute a field, e.g. amount='number(amount) / 100'; may be repeated.",
        ),
    ] = None,
    rename: Annotated[
        list[str] | None, typer.Option(metavar="OLD=NEW", help="Rename a field; may be repeated.")
    ] = None,
    drop: Annotated[
        list[str] | None, typer.Option(metavar="FIELD", help="Take a field out; may be repeated.")
    ] = None,
    shown: Annotated[int, typer.Option(min=0, help="How many letters to show in full.")] = 5,
    ids: Ids = None,
    reason: Reasons = None,
    source: Sources = None,
    topic: Topics = None,
    since: Since = None,
    until: Until = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what a fix would change and which letters the door would take then; nothing is sent.

    Renames come first, then --set, then --drop. Expressions read fields (`amount`, `measurements.flow`, `letter_id`),
    and know + - * / // %, comparisons, `a if b else c`, default(x, y), number, whole, text, flag, time(x[, format]),
    finite, round, lower, upper, strip, replace and token(card number).
    """
    from pipeline.dead_letters import recipe as recipes  # noqa: PLC0415 - only what runs is loaded

    recipe = recipes.parsed(tuple(rename or ()), tuple(set_ or ()), tuple(drop or ()))
    if recipe.changes_nothing:
        raise RefuseUsageError(
            "say what to change: --set, --rename or --drop; `redrive` sends letters as they are"
        )
    settings = settings_of(context)
    from pipeline.bootstrap import dead_letters  # noqa: PLC0415 - only what runs is loaded
    from pipeline.cli.dead_letters import view  # noqa: PLC0415 - only what runs is loaded

    trials = list(
        dead_letters.tried(
            settings,
            selection(ids=ids, reasons=reason, sources=source, topics=topic, since=since, until=until),
            recipe,
        )
    )
    ready = [trial.letter.letter_id for trial in trials if trial.event is not None]
    name = dead_letters.keep(settings, recipe, ready) if ready else None
    if as_json:
        typer.echo(json.dumps(view.trials_as_dict(trials, name), indent=2))
        return
    typer.echo("\n".join(view.trials(trials, shown)))
    if name:
        say(f"nothing was sent; to send these: fastdata dead-letters redrive --fix {name} --why TEXT")
