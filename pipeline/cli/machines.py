"""`machines import` and `machines list`: the machine register."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.given import settings_of

if TYPE_CHECKING:
    from models.machines import Machine

register = typer.Typer(
    help="The machine register: classes, units and ranges of measurements, places.", no_args_is_help=True
)


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(register, name="machines")


@register.command(name="import")
def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A register (.toml or .csv).")],
) -> None:
    """Store machines, in place of what was known of them; others stay. Harmless when repeated."""
    settings = settings_of(context)
    from pipeline.bootstrap import machines  # noqa: PLC0415 - only what runs is loaded

    found = machines.import_file(settings, file)
    typer.echo(f"{file}: {found.new:,} new, {found.changed:,} changed, {found.same:,} as they were")


@register.command(name="list")
def list_(
    context: typer.Context,
    *,
    machine: Annotated[str | None, typer.Option(help="Only this machine, with its measurements.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, a line a machine.")] = False,
) -> None:
    """List the registered machines by name."""
    settings = settings_of(context)
    from pipeline.bootstrap import machines  # noqa: PLC0415 - only what runs is loaded

    for each in machines.registered(settings, machine):
        typer.echo(
            "\n".join([json.dumps(_as_dict(each), ensure_ascii=False)] if as_json else _lines(each, machine))
        )


def _lines(machine: "Machine", asked: str | None) -> list[str]:
    place = "moves" if machine.moves else f"{machine.latitude}, {machine.longitude}"
    line = f"{machine.machine}  {machine.machine_class}  {place}  {len(machine.measurements)} measurements"
    measured = machine.measurements.items() if asked else ()
    return [line, *(f"  {name}  {m.low:g} to {m.high:g} {m.unit}" for name, m in measured)]


def _as_dict(machine: "Machine") -> dict[str, Any]:
    measured = {
        name: {"unit": m.unit, "low": m.low, "high": m.high} for name, m in machine.measurements.items()
    }
    return {
        "machine": machine.machine,
        "class": machine.machine_class,
        "latitude": machine.latitude,
        "longitude": machine.longitude,
        "measurements": measured,
    }
