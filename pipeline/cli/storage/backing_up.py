"""`storage backup` and `storage restore`."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.given import say, settings_of


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(backup)
    app.command()(restore)


def backup(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(file_okay=False, help="A new or empty folder.")],
) -> None:
    """Write all tables, model artifacts and the gateway's ledger into a folder, with checksums.

    `fastdata run` may go on: the backup notes how far its readers had come, and `restore` takes them back there. The
    key of card tokens is a secret and is not in it: keep it apart.
    """
    settings = settings_of(context)
    from pipeline.bootstrap import backups  # noqa: PLC0415 - only what runs is loaded
    from pipeline.cli.storage import view  # noqa: PLC0415 - only what runs is loaded

    typer.echo(view.made(backups.backup(settings, folder)))
    if settings.token_key.is_file():
        say(f"the key of card tokens ({settings.token_key}) is not in it: keep it apart")


def restore(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="A backup.")],
    *,
    replace: Annotated[
        bool, typer.Option("--replace", help="Delete the rows and overwrite the files that are there.")
    ] = False,
) -> None:
    """Put a backup back into an empty keyspace, and check that its rows are there."""
    settings = settings_of(context)
    from pipeline.bootstrap import backups  # noqa: PLC0415 - only what runs is loaded
    from pipeline.cli.storage import view  # noqa: PLC0415 - only what runs is loaded

    held = backups.restore(settings, folder, replace=replace, report=say)
    typer.echo(f"restored and checked: {view.made(held)}")
