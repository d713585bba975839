"""The commands of `fastdata`, and the options that stand before any of them."""

from typing import Annotated

import typer

from pipeline.cli import (
    alarms,
    api,
    cases,
    checks,
    commands,
    dead_letters,
    demo,
    drill,
    feeds,
    machines,
    models,
    notifications,
    policies,
    rehearsal,
    releases,
    run,
    servers,
    storage,
)
from pipeline.cli.given import Given
from pipeline.cli.group import CommandGroup

HELP = """From a card swipe to an acknowledged command: Kafka, Spark, Cassandra and actors on this machine.

A first look: `fastdata demo`. By hand: `up`, `migrate`, `models train`, `models deploy`, then `run` and, in
another terminal, `simulate transactions` or `replay`; `verify` says whether every event has arrived everywhere, once.
"""

EPILOG = """Exit status: 0 done; 1 a check failed or the work can't go on; 2 wrong usage, setting or input;
3 a server is away."""

app = typer.Typer(
    name="fastdata",
    cls=CommandGroup,
    help=HELP,
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(asked: bool) -> None:  # noqa: FBT001 - typer calls it with the flag's value
    if asked:
        from importlib.metadata import version  # noqa: PLC0415 - only what runs is loaded

        typer.echo(f"fastdata {version('fastdata')}")
        raise typer.Exit


@app.callback()
def before(
    context: typer.Context,
    config: Annotated[
        str | None, typer.Option(metavar="FILE", help="Settings file; default fastdata.toml where it exists.")
    ] = None,
    namespace: Annotated[
        str | None, typer.Option(help="Keep this run's topics, tables and files apart from others'.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="Any setting, e.g. kafka.prefix=trial-; may be repeated."
        ),
    ] = None,
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and debug messages.")] = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Take the options before the command."""
    named = [] if namespace is None else [f"namespace={namespace}"]
    context.obj = Given(config, (*(set_ or []), *named), debug)


servers.add_to(app)
models.add_to(app)
feeds.add_to(app)
machines.add_to(app)
run.add_to(app)
releases.add_to(app)
checks.add_to(app)
alarms.add_to(app)
notifications.add_to(app)
commands.add_to(app)
cases.add_to(app)
policies.add_to(app)
dead_letters.add_to(app)
storage.add_to(app)
rehearsal.add_to(app)
api.add_to(app)
demo.add_to(app)
drill.add_to(app)
