"""`cases open` and `next`: how an investigator comes to a case."""

from typing import Annotated

import typer

from pipeline.cli.cases.acting import WAIT_S, Wait, Who, tell
from pipeline.cli.given import settings_of
from pipeline.os_user import os_user


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("open")(open_case)
    app.command("next")(take_next)


def open_case(
    context: typer.Context,
    entity: Annotated[str, typer.Argument(metavar="ENTITY", help="A card or machine.")],
    *,
    why: Annotated[str, typer.Option("--why", help="The reason, for the audit.")],
    as_: Who = None,
    wait: Wait = WAIT_S,
) -> None:
    """Open a case; the open alarms of the entity and their latest alerts join it, and later ones do too."""
    settings = settings_of(context)
    from pipeline.bootstrap import cases  # noqa: PLC0415 - only what runs is loaded

    tell(cases.open_case(settings, entity, who=as_ or os_user(), why=why, wait_s=wait))


def take_next(context: typer.Context, *, as_: Who = None, wait: Wait = WAIT_S) -> None:
    """Take the most urgent case that nobody works; no two investigators get the same one."""
    settings = settings_of(context)
    from pipeline.bootstrap import cases  # noqa: PLC0415 - only what runs is loaded

    tell(cases.take_next(settings, who=as_ or os_user(), wait_s=wait))
