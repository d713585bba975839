"""`commands send`: a command by hand, as far as a policy allows it."""

from enum import StrEnum
from typing import Annotated

import typer

from pipeline.cli.commands.acting import WAIT_S, Wait, Who, tell
from pipeline.cli.given import settings_of
from pipeline.os_user import os_user


class KindName(StrEnum):
    """The kinds of commands."""

    BLOCK_CARD = "block_card"
    UNBLOCK_CARD = "unblock_card"
    REDUCE_LOAD = "reduce_load"
    RESTORE_LOAD = "restore_load"
    STOP_MACHINE = "stop_machine"
    START_MACHINE = "start_machine"
    SCHEDULE_INSPECTION = "schedule_inspection"


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(send)


def send(
    context: typer.Context,
    entity: Annotated[str, typer.Argument(metavar="ENTITY", help="A card or machine.")],
    kind: Annotated[KindName, typer.Argument(help="What it shall do.")],
    *,
    why: Annotated[str, typer.Option("--why", help="The reason, for the audit.")],
    alarm: Annotated[
        str | None, typer.Option(metavar="ALARM_ID", help="The alarm that is the reason.")
    ] = None,
    as_: Who = None,
    wait: Wait = WAIT_S,
) -> None:
    """Send a command that a policy allows: one whose entry says `manual`, or names a model of the entity's alarms."""
    settings = settings_of(context)
    from pipeline.bootstrap import commands  # noqa: PLC0415 - only what runs is loaded

    tell(
        commands.send(
            settings, entity, kind.value, who=as_ or os_user(), why=why, wait_s=wait, alarm_id=alarm
        )
    )
