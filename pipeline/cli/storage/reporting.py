"""`storage report` and `storage hash`."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from pipeline.cli.given import settings_of


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(report)
    app.command("hash")(hash_)


def report(
    context: typer.Context,
    *,
    free_gib: Annotated[
        float | None,
        typer.Option(
            min=0, help="Free space in GiB, where the servers are on other machines; else it is looked up."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say how long each table keeps rows, how large it is, how it grows, and when the disk is full.

    The rate is the average over the rows that a table holds; sizes count all replicas, to a mebibyte.
    """
    settings = settings_of(context)
    from pipeline.bootstrap import storage_report  # noqa: PLC0415 - only what runs is loaded
    from pipeline.cli.storage import view  # noqa: PLC0415 - only what runs is loaded

    found = storage_report.outlook(settings, None if free_gib is None else round(free_gib * view.GIB))
    typer.echo(json.dumps(asdict(found), indent=2) if as_json else "\n".join(view.outlook(found)))


def hash_(
    context: typer.Context, *, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """Print a digest of each table's set of rows: keys, values and write times, whatever their order."""
    settings = settings_of(context)
    from pipeline.bootstrap import backups  # noqa: PLC0415 - only what runs is loaded

    found = {
        name: {"rows": rows.rows, "digest": rows.digest} for name, rows in backups.digest(settings).items()
    }
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    else:
        typer.echo(
            "\n".join(f"{each['digest']}  {each['rows']:>12,}  {name}" for name, each in found.items())
        )
