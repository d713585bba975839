"""`alarms list`: the alarms that want an operator, or those in other states."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.given import say, settings_of

if TYPE_CHECKING:
    from pipeline.alarm_lines import Line


class StateName(StrEnum):
    """The states of an alarm."""

    ACTIVE_UNACKNOWLEDGED = "active_unacknowledged"
    RETURNED_UNACKNOWLEDGED = "returned_unacknowledged"
    LATCHED = "latched"
    ACTIVE_ACKNOWLEDGED = "active_acknowledged"
    PENDING = "pending"
    SHELVED = "shelved"
    SUPPRESSED = "suppressed"
    OUT_OF_SERVICE = "out_of_service"
    CLOSED = "closed"


class SeverityName(StrEnum):
    """How bad an alarm is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command("list")(list_alarms)


def list_alarms(
    context: typer.Context,
    *,
    state: Annotated[
        list[StateName] | None,
        typer.Option(help="Only alarms in this state; may be repeated. Default: all but closed ones."),
    ] = None,
    severity: Annotated[
        list[SeverityName] | None, typer.Option(help="Only alarms of this severity; may be repeated.")
    ] = None,
    expand: Annotated[
        bool, typer.Option("--expand", help="A line for each alarm of a flood, not one for all of them.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="Most lines, or with --json alarms.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: each alarm.")] = False,
) -> None:
    """List alarms, those opened last first; of a flood, one line. Of closed ones, the 10,000 opened last are searched."""
    settings = settings_of(context)
    from pipeline.bootstrap import operations  # noqa: PLC0415 - only what runs is loaded
    from pipeline.cli.alarms import view  # noqa: PLC0415 - only what runs is loaded

    found: Sequence[Line]
    if as_json:
        found = rows = operations.listed(settings, state or (), severity or ())
        typer.echo(json.dumps([asdict(alarm) for alarm in rows[:limit]], indent=2))
    else:
        read = operations.listed if expand else operations.lines
        found = read(settings, state or (), severity or ())
        for line in view.table(found[:limit]):
            typer.echo(line)
    if not found:
        say("no such alarm")
    elif len(found) > limit:
        say(f"{len(found) - limit:,} more; see them with --limit {len(found)}")
