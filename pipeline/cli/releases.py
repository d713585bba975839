"""`upgrade`, `rollback`, and the group `releases`: which version of the application serves a namespace."""

import os
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.given import given_of, say, settings_of
from pipeline.errors import RefuseUsageError
from pipeline.os_user import os_user

if TYPE_CHECKING:
    from pipeline.bootstrap.upgrading import Asker
    from pipeline.releases.standing import Standing
    from pipeline.settings import Settings

Why = Annotated[str, typer.Option("--why", help="The reason, for the history.")]
Who = Annotated[
    str | None, typer.Option("--as", help="Who asks for it; the user of this process if left out.")
]


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(upgrade)
    app.command()(rollback)
    group = typer.Typer(name="releases", help="Versions of fastdata: install, describe, list.")
    for command in (install, history):
        group.command()(command)
    group.command("list")(list_)
    app.add_typer(group)


def upgrade(
    context: typer.Context,
    release: Annotated[
        str | None,
        typer.Argument(
            help="An installed release, or a folder with its environment. Left out with --finish."
        ),
    ] = None,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only check, and say what would be done.")
    ] = False,
    finish: Annotated[
        bool,
        typer.Option(
            "--finish",
            help="Take away what only the release before needs; `rollback` is refused from then on.",
        ),
    ] = False,
    no_way_back: Annotated[
        bool,
        typer.Option(
            "--no-way-back",
            help="Go on although the present release could not come back; while nothing runs.",
        ),
    ] = False,
    why: Why = "",
    as_: Who = None,
) -> None:
    """Let another release of fastdata serve this namespace, part by part while it runs.

    Before anything changes it is checked: settings, tables, what is kept and sent, the state of every model. A part
    that does not come up or stay up turns everything back by itself.
    """
    if finish == (release is not None):
        raise RefuseUsageError("name a release, or write --finish alone")
    settings = settings_of(context)
    from pipeline.bootstrap import upgrading  # noqa: PLC0415 - only what runs is loaded

    asker = _asker(context, settings, why, as_)
    if release is None:
        applied = upgrading.finish(asker)
        typer.echo(f"finished; migrations applied: {', '.join(applied) or 'none'}")
        return
    stands = upgrading.upgrade(asker, release, dry_run=dry_run, no_way_back=no_way_back)
    if dry_run:
        typer.echo("nothing was changed")
    else:
        _tell(stands)


def rollback(context: typer.Context, *, why: Why = "", as_: Who = None) -> None:
    """Let the release before serve again, part by part while it runs; the tables stay as they are."""
    settings = settings_of(context, any_release=True)
    from pipeline.bootstrap import upgrading  # noqa: PLC0415 - only what runs is loaded

    _tell(upgrading.rollback(_asker(context, settings, why, as_)))


def install(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="A git reference, or a folder of unpacked sources.")],
) -> None:
    """Install a release beside the others, in an environment of its own, by its own lock; harmless when it is there."""
    settings = settings_of(context, any_release=True)
    from pipeline.releases import environments  # noqa: PLC0415 - only what runs is loaded

    name = environments.install(settings.embedded.state_dir, source, say)
    typer.echo(f"{name} is installed: `fastdata upgrade {name} --dry-run` says what it would do")


def list_(context: typer.Context) -> None:
    """List the installed releases, and say which one serves."""
    settings = settings_of(context, any_release=True)
    from pipeline.releases import environments, identity, standing  # noqa: PLC0415 - only what runs is loaded

    stands = standing.read_standing(settings.run_dir) or standing.Standing(current=identity.own())
    typer.echo(f"serves    {stands.current} {stands.current.prefix}")
    if stands.previous is not None:
        typer.echo(f"before    {stands.previous} {stands.previous.prefix}")
    for reason in stands.one_way:
        typer.echo(f"no way back: {reason}")
    for name in environments.installed(settings.embedded.state_dir):
        typer.echo(f"installed {name}")


def history(context: typer.Context) -> None:
    """Say who changed the release, when, why, and what became of it; newest last."""
    settings = settings_of(context, any_release=True)
    from pipeline.releases import standing  # noqa: PLC0415 - only what runs is loaded

    for entry in standing.history(settings.run_dir):
        typer.echo(_line(entry))


def _line(entry: dict[str, Any]) -> str:
    at = datetime.fromtimestamp(entry["at"] / 1_000).astimezone()
    when = f"{at:%Y-%m-%d %H:%M:%S}"
    if entry["event"] == "asked":
        to = entry["to"]
        why = f": {entry['why']}" if entry["why"] else ""
        return f"{when} {entry['who']} asks for {entry['kind']} to {to['version']} ({to['digest']}){why}"
    current = entry["current"]
    became = f"failed, {entry['outcome']}" if entry["outcome"] else "done"
    return f"{when} {became}; {current['version']} ({current['digest']}) serves"


def _asker(context: typer.Context, settings: "Settings", why: str, as_: str | None) -> "Asker":
    from pipeline.bootstrap.upgrading import Asker  # noqa: PLC0415 - only what runs is loaded

    environment = given_of(context).origin().environment(os.environ)
    return Asker(settings, environment, as_ or os_user(), why, say)


def _tell(stands: "Standing") -> None:
    typer.echo(f"{stands.current} serves: {stands.current.prefix}")
    if stands.previous is not None:
        say(f"`fastdata rollback` brings {stands.previous} back")
