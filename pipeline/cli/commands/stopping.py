"""`commands stop-all` and `resume`: the stop of everything."""

from typing import Annotated

import typer

from pipeline.cli.commands.acting import Who, tell
from pipeline.cli.given import settings_of
from pipeline.os_user import os_user

Reason = Annotated[str, typer.Option("--why", help="The reason, for the audit.")]


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("stop-all")(stop_all)
    app.command()(resume)


def stop_all(context: typer.Context, *, why: Reason, as_: Who = None) -> None:
    """Hold back all commands, within a second, until `resume`; held ones expire all the same."""
    settings = settings_of(context)
    from pipeline.bootstrap import commands  # noqa: PLC0415 - only what runs is loaded

    tell(commands.stop_all(settings, who=as_ or os_user(), why=why))


def resume(context: typer.Context, *, why: Reason, as_: Who = None) -> None:
    """Let commands go again, those that were held back too."""
    settings = settings_of(context)
    from pipeline.bootstrap import commands  # noqa: PLC0415 - only what runs is loaded

    tell(commands.resume(settings, who=as_ or os_user(), why=why))
