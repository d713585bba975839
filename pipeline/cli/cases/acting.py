"""What all commands that change a case share: their options, and how the outcome is told."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.alarms.acting import WAIT_S, Wait, Who, Why
from pipeline.cli.given import settings_of
from pipeline.errors import RefuseUsageError
from pipeline.os_user import os_user

if TYPE_CHECKING:
    from models.operations import AuditEntry, CaseAction

__all__ = ["WAIT_S", "Name", "Wait", "Who", "Why", "act", "tell"]

Name = Annotated[
    str, typer.Argument(metavar="CASE_ID|ENTITY", help="A case, or a card or machine: its latest case.")
]


def act(
    context: typer.Context,
    name: str,
    action: "CaseAction",
    *,
    who: str | None,
    why: str,
    wait: float,
    **wish: Any,
) -> None:
    """Do it, and print the outcome; a refusal is an error that names the reason."""
    settings = settings_of(context)
    from pipeline.bootstrap import cases  # noqa: PLC0415 - only what runs is loaded

    tell(cases.operate(settings, name, action, who=who or os_user(), why=why, wait_s=wait, **wish))


def tell(entry: "AuditEntry") -> None:
    """Print what became of it; a refusal is an error that names the reason."""
    from pipeline.cli.cases import view  # noqa: PLC0415 - only what runs is loaded

    if entry.verdict == "refused":
        raise RefuseUsageError(f"{entry.operation.target}: refused: {entry.reason}")
    typer.echo(view.outcome(entry))
