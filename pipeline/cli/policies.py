"""`policies show` and `check`: the policies in force, and whether a file may be used."""

import json
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.given import say, settings_of
from pipeline.errors import RefuseUsageError

policies = typer.Typer(
    help="See what alarms, commands, cases and notifications follow, and check a file of it.",
    no_args_is_help=True,
)


def add_to(app: typer.Typer) -> None:
    """Add this group of commands."""
    app.add_typer(policies, name="policies")


@policies.command()
def show(
    context: typer.Context,
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, with every default; times in milliseconds.")
    ] = False,
) -> None:
    """Print the policies that the settings name: the file as it is written, after it was checked."""
    settings = settings_of(context)
    from pipeline.bootstrap.policies import file_of, policies_of  # noqa: PLC0415 - only what runs is loaded

    found, path = policies_of(settings), file_of(settings)
    if as_json:
        typer.echo(json.dumps(found.model_dump(mode="json", by_alias=True), indent=2))
    else:
        say(f"from {path}")
        typer.echo(path.read_text(encoding="utf-8").rstrip("\n"))


@policies.command()
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file of policies (TOML).")],
) -> None:
    """Say whether a file of policies may be used, or everything that is wrong with it."""
    from pipeline.bootstrap.policies import checked  # noqa: PLC0415 - only what runs is loaded
    from pipeline.policies import summary  # noqa: PLC0415 - only what runs is loaded

    try:
        found = checked(file)
    except RefuseUsageError as error:
        for line in str(error.__cause__).splitlines():
            say(line)
        raise typer.Exit(2) from error
    for line in summary(found):
        typer.echo(line)
    typer.echo(f"{file} may be used: name it by the setting `policies` and start `fastdata run` anew")
