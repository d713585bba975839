"""`verify` and `story`: what has become of all events, and of one."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.given import say, settings_of
from pipeline.errors import FailCheckError, RefuseUsageError

if TYPE_CHECKING:
    from pipeline.reconcile import Reconciliation
    from pipeline.settings import Settings
    from storage.counts import MinuteCount


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(verify)
    app.command()(story)


def verify(
    context: typer.Context,
    *,
    live: Annotated[
        bool,
        typer.Option(
            "--live", help="Of a pipeline at work: what is wrong twice, reconciler.grace_s seconds apart."
        ),
    ] = False,
    minutes: Annotated[
        int | None,
        typer.Option(
            min=1, max=10_080, help="Only show what the reconciler has counted in the last so many minutes."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with every missing id.")] = False,
) -> None:
    """Check stage by stage that nothing is lost, invented or done twice; exit 1 otherwise.

    Run it when nothing waits any more (`fastdata status`): what is still under way counts as missing. With --live
    it may be run at any time.
    """
    settings = settings_of(context)
    if live and minutes is not None:
        raise typer.BadParameter("give --live or --minutes, not both", param_hint="--minutes")
    if minutes is not None:
        _minutes(settings, minutes, as_json=as_json)
        return
    if live:
        _live(settings, as_json=as_json)
        return
    from pipeline.bootstrap import checks  # noqa: PLC0415 - only what runs is loaded
    from pipeline.cli import verify_view  # noqa: PLC0415 - only what runs is loaded

    found = checks.reconcile(settings)
    if as_json:
        typer.echo(json.dumps(found.as_dict(), indent=2))
    else:
        typer.echo("\n".join(verify_view.lines(found)))
    _fail_if_wrong(found, [])


def _live(settings: "Settings", *, as_json: bool) -> None:
    from pipeline.bootstrap import checks  # noqa: PLC0415 - only what runs is loaded
    from pipeline.cli import verify_view  # noqa: PLC0415 - only what runs is loaded

    found, gaps = checks.reconcile_live(settings, say)
    if as_json:
        typer.echo(json.dumps({**found.as_dict(), "gaps": verify_view.plain(gaps)}, indent=2))
    else:
        typer.echo("\n".join([*verify_view.gap_lines(gaps), *verify_view.lines(found)]))
    _fail_if_wrong(found, gaps)


def _minutes(settings: "Settings", last: int, *, as_json: bool) -> None:
    from pipeline.bootstrap import checks  # noqa: PLC0415 - only what runs is loaded
    from pipeline.cli import verify_view  # noqa: PLC0415 - only what runs is loaded

    counts = checks.minutes(settings, last)
    if as_json:
        typer.echo(json.dumps(verify_view.plain(counts), indent=2))
    else:
        typer.echo("\n".join(verify_view.minute_lines(counts)))
    _fail_if_wrong(None, [count for count in counts if count.missing])


def _fail_if_wrong(found: "Reconciliation | None", gaps: "Sequence[MinuteCount]") -> None:
    broken = [stage.name for stage in found.stages if not stage.clean] if found else []
    broken += sorted({f"{gap.stage} of {gap.part}, by minute" for gap in gaps})
    if broken:
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
