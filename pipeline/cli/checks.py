"""`verify` and `story`: what has become of all events, and of one."""

import json
from typing import Annotated

import typer

from pipeline.cli.given import settings_of
from pipeline.errors import FailCheckError, RefuseUsageError


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(verify)
    app.command()(story)


def verify(
    context: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with every missing id.")] = False,
) -> None:
    """Check stage by stage that nothing is lost, invented or done twice; exit 1 otherwise.

    Run it when nothing waits any more (`fastdata status`): what is still under way counts as missing.
    """
    settings = settings_of(context)
    from pipeline.bootstrap import checks  # noqa: PLC0415 - only what runs is loaded
    from pipeline.cli import verify_view  # noqa: PLC0415 - only what runs is loaded

    found = checks.reconcile(settings)
    if as_json:
        typer.echo(json.dumps(found.as_dict(), indent=2))
    else:
        typer.echo("\n".join(verify_view.lines(found)))
    if not found.clean:
        broken = [stage.name for stage in found.stages if not stage.clean]
        raise FailCheckError(f"not clean: {'; '.join(broken)}")


def story(
    context: typer.Context,
    event_id: Annotated[str, typer.Argument(help="The event's id.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell what became of one event: its scores, its alarm, the commands and their outcomes."""
    settings = settings_of(context)
    from pipeline.bootstrap import checks  # noqa: PLC0415 - only what runs is loaded
    from pipeline.cli import story_view  # noqa: PLC0415 - only what runs is loaded

    found = checks.story(settings, event_id)
    if found is None:
        raise RefuseUsageError(
            f"no score of event {event_id} is stored: check the id and the --namespace, or wait for the writer"
        )
    typer.echo(story_view.as_json(found[0]) if as_json else "\n".join(story_view.lines(*found)))
