"""`models list`: every version, how good it was in training, and its role here."""

import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final

import typer

from pipeline.cli.given import say, settings_of

if TYPE_CHECKING:
    from pipeline.listing import Listed

MAIN: Final = ("roc_auc", "average_precision", "card_precision_100")
"""The metrics that the table shows; `--json` has all."""

_PLAIN_WIDTH: Final = 160


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command("list")(list_models)


def list_models(
    context: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with every metric.")] = False,
) -> None:
    """List the trained versions: training window, metrics, threshold, role in this namespace and since when."""
    settings = settings_of(context)
    from pipeline.listing import listed  # noqa: PLC0415 - only what runs is loaded

    found = listed(settings.models_dir, settings.run_dir)
    if as_json:
        typer.echo(json.dumps([version.as_dict() for version in found], indent=2))
    elif found:
        _show(found)
    else:
        say(f"no model in {settings.models_dir}: `fastdata models train` makes one")


def _show(found: "list[Listed]") -> None:
    from rich.console import Console  # noqa: PLC0415 - only what runs is loaded
    from rich.table import Table  # noqa: PLC0415 - only what runs is loaded

    table = Table()
    for column in ("model", "version", "trained on", "metrics", "threshold", "role", "since"):
        table.add_column(column)
    for each in found:
        table.add_row(
            each.model,
            each.version,
            f"{_day(each.trained_from)} to {_day(each.trained_to)}",
            ", ".join(f"{name} {each.metrics[name]:.3f}" for name in MAIN if name in each.metrics),
            f"{each.threshold:.4f}",
            role_text(each),
            "" if each.since is None else f"{_at(each.since):%Y-%m-%d %H:%M:%S}Z",
        )
    console = Console() if sys.stdout.isatty() else Console(width=_PLAIN_WIDTH)
    console.print(table)


def role_text(each: "Listed") -> str:
    """Return the role; where the query has not taken a change over yet, what it does until then."""
    role = each.role or ""
    if each.role == "champion" and not each.acts:
        return f"{role}, not acting yet"
    if each.role != "champion" and each.acts:
        return f"{role}, still acting".lstrip(", ")
    return f"{role}, not scored yet" if each.role and not each.scored else role


def _day(ms: int) -> str:
    return f"{_at(ms):%Y-%m-%d}"


def _at(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
