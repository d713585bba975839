"""`models explain`: features, SQL, and what is kept per key."""

from typing import TYPE_CHECKING, Annotated

import typer

from pipeline import specs

if TYPE_CHECKING:
    from models.explain import Explanation

_HOUR_MS = 3_600_000


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(explain)


def explain(
    model: Annotated[str, typer.Argument(help="Import string of a model, as in module:NAME.")] = specs.FRAUD,
) -> None:
    """Show what a model computes: its features, their SQL, the state per key in bytes."""
    from models.explain import explain as explained  # noqa: PLC0415 - only what runs is loaded

    typer.echo("\n".join(_lines(explained(specs.load(model)))))


def _lines(told: "Explanation") -> list[str]:
    lines = [
        f"{told.name} {told.version}: {len(told.features)} features, {len(told.stages)} keyed stages",
        "",
    ]
    for f in told.features:
        null = ", may be null" if f.nullable else ""
        lines += [f"{f.name}  ({f.kind} per {f.entity or 'event'}{null})", f"    {f.sql}"]
    for number, stage in enumerate(told.stages, start=1):
        lines += [
            "",
            (
                f"stage {number}, per {stage.key}: about {stage.accumulator_bytes} bytes for the features, "
                f"{stage.carried_bytes} for the row that passes"
            ),
            *(f"    {name} = {sql}" for name, sql in stage.accumulators.items()),
        ]
    if told.id_bytes is not None:
        lines += [
            "",
            f"events and labels count once: about {told.id_bytes} bytes for each, until it would be late",
        ]
    window = (told.stride_ms + told.overlap_ms) / _HOUR_MS
    return [
        *lines,
        "",
        (
            f"windows of {window:g} h, a new one every {told.stride_ms / _HOUR_MS:g} h; history of an event at least "
            f"{told.overlap_ms / _HOUR_MS:g} h"
        ),
        f"state: about {told.state_bytes} bytes per key and window",
    ]
