"""What all commands that change a command share: how the outcome is told."""

from typing import TYPE_CHECKING

import typer

from pipeline.cli.alarms.acting import WAIT_S, Wait, Who, Why
from pipeline.errors import RefuseUsageError

if TYPE_CHECKING:
    from models.operations import AuditEntry

__all__ = ["WAIT_S", "Wait", "Who", "Why", "tell"]


def tell(entry: "AuditEntry") -> None:
    """Print what became of an operation; a refusal is an error that names the reason."""
    from pipeline.cli.commands import view  # noqa: PLC0415 - only what runs is loaded

    if entry.verdict == "refused":
        raise RefuseUsageError(f"{entry.operation.target}: refused: {entry.reason}")
    typer.echo(view.outcome(entry))
