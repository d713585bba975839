"""`models check`: the contract checks of a model, one line each."""

from typing import TYPE_CHECKING, Annotated

import typer

from pipeline import specs
from pipeline.cli.given import settings_of

if TYPE_CHECKING:
    from processing.checks import Finding


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(check)


def check(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="Import string of a model, as in module:NAME.")] = specs.FRAUD,
) -> None:
    """Prove a model on made-up events: stream, history and definition agree, every event gets a score.

    Exit status 1 when a check fails.
    """
    settings = settings_of(context)
    from pipeline.bootstrap.checking import check_model  # noqa: PLC0415 - only what runs is loaded

    if not check_model(settings, model, _tell):
        raise typer.Exit(1)


def _tell(finding: "Finding") -> None:
    typer.echo(f"{'ok' if finding.passed else 'FAILED':7} {finding.check:26} {finding.detail}")
