"""`models deploy`, `promote`, `rollback`, `retire`: which versions score, and which of them acts."""

from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.given import say, settings_of

if TYPE_CHECKING:
    from models.deployment import Deployment
    from pipeline.settings import Settings

Model = Annotated[str, typer.Argument(help="Name of the model, as in `fastdata models list`.")]
Version = Annotated[str, typer.Argument(help="One of its versions.")]


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (deploy, promote, rollback, retire):
        app.command()(command)


def deploy(
    context: typer.Context,
    model: Model,
    version: Annotated[
        str | None, typer.Argument(help="One of its versions; the newest if left out.")
    ] = None,
    *,
    shadow: Annotated[
        bool, typer.Option("--shadow", help="Score it beside the champion; it acts on nothing.")
    ] = False,
) -> None:
    """Let a version score: the first one of a model acts, every further one is a shadow.

    A shadow whose features need state that the running query has not is first warmed from what Kafka holds,
    here, beside the running query; that says how long it takes. Then the query takes it over.
    """
    settings = settings_of(context)
    from pipeline import lifeline  # noqa: PLC0415 - only what runs is loaded
    from pipeline.bootstrap import deploy as commands  # noqa: PLC0415 - only what runs is loaded

    stop = lifeline.stop_event()
    _tell(settings, commands.deploy(settings, model, version, shadow=shadow, stop=stop, report=say))


def promote(context: typer.Context, model: Model, version: Version) -> None:
    """Let a shadow act instead of the champion, which becomes a shadow."""
    settings = settings_of(context)
    from pipeline.bootstrap import deploy as commands  # noqa: PLC0415 - only what runs is loaded

    _tell(settings, commands.promote(settings, model, version))


def rollback(context: typer.Context, model: Model) -> None:
    """Let the champion before this one act again."""
    settings = settings_of(context)
    from pipeline.bootstrap import deploy as commands  # noqa: PLC0415 - only what runs is loaded

    _tell(settings, commands.rollback(settings, model))


def retire(context: typer.Context, model: Model, version: Version) -> None:
    """Stop scoring a shadow; its file stays, and it can be deployed again."""
    settings = settings_of(context)
    from pipeline.bootstrap import deploy as commands  # noqa: PLC0415 - only what runs is loaded

    _tell(settings, commands.retire(settings, model, version))


def _tell(settings: "Settings", deployment: "Deployment") -> None:
    from pipeline import runs  # noqa: PLC0415 - only what runs is loaded

    beside = f", beside it {', '.join(deployment.shadows)}" if deployment.shadows else ""
    typer.echo(f"{deployment.model}: {deployment.champion} acts{beside}")
    if runs.owner(settings.run_dir) is not None:
        most = settings.processing.interval_s
        say(f"the running query takes this over at the end of its interval, within about {most} s")
