"""`up`, `restart`, `down`, `status`, `migrate`: the servers and what is on them."""

import json
from typing import Annotated

import typer

from pipeline.cli.given import say, settings_of
from pipeline.errors import RefuseUsageError, ServerAwayError

NODES = (1, 3)


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(up)
    app.command()(restart)
    app.command()(down)
    app.command()(status)
    app.command()(migrate)


def up(
    context: typer.Context,
    nodes: Annotated[
        int | None, typer.Option(help="Servers of each kind, 1 or 3; three replicate everything.")
    ] = None,
) -> None:
    """Start Kafka and Cassandra as processes of this machine; harmless when they run."""
    if nodes is not None and nodes not in NODES:
        raise typer.BadParameter("write 1 or 3", param_hint="--nodes")
    settings = settings_of(context, *([] if nodes is None else [f"embedded.nodes={nodes}"]))
    from pipeline.bootstrap import servers  # noqa: PLC0415 - only what runs is loaded

    found = servers.bring_up(settings.embedded, say)
    contact = ",".join(f"{host}:{found.cassandra_port}" for host in found.cassandra_contact_points)
    typer.echo(f"Kafka {found.kafka_bootstrap}\nCassandra {contact}")


def restart(context: typer.Context) -> None:
    """Restart the servers one after the other, so that settings of theirs take effect; three of each serve on meanwhile."""
    settings = settings_of(context)
    from pipeline.bootstrap import servers  # noqa: PLC0415 - only what runs is loaded

    servers.restart(settings.embedded, say)


def down(
    context: typer.Context,
    *,
    wipe: Annotated[
        bool, typer.Option("--wipe", help="Delete the servers' data too, and what runs have kept beside it.")
    ] = False,
) -> None:
    """Stop the servers that `up` has started."""
    settings = settings_of(context)
    from pipeline import runs  # noqa: PLC0415 - only what runs is loaded
    from pipeline.bootstrap import servers  # noqa: PLC0415 - only what runs is loaded

    running = runs.owners(settings.embedded.state_dir)
    if running:
        raise RefuseUsageError(
            f"`fastdata run` uses these servers (process {', '.join(map(str, running))}): stop it first"
        )
    servers.take_down(settings.embedded, say, wipe=wipe)
    if wipe:
        runs.wipe(settings.embedded.state_dir, say)


def status(
    context: typer.Context, *, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """Say how the servers are, and how far each topic's readers have come; exit 3 when a server is away."""
    settings = settings_of(context)
    from pipeline.bootstrap import overview  # noqa: PLC0415 - only what runs is loaded
    from pipeline.cli import status_view  # noqa: PLC0415 - only what runs is loaded

    found = overview.gather(settings)
    if as_json:
        typer.echo(json.dumps(found.as_dict(), indent=2))
    else:
        status_view.show(found)
    if not found.healthy:
        raise ServerAwayError("not every server answers: `fastdata up` starts them")


def migrate(context: typer.Context) -> None:
    """Create or update topics and tables; harmless when they are as they should be."""
    settings = settings_of(context)
    from pipeline.bootstrap import schema  # noqa: PLC0415 - only what runs is loaded

    topics, migrations = schema.migrate(settings)
    typer.echo(f"topics created: {', '.join(topics) or 'none'}")
    typer.echo(f"migrations applied: {', '.join(migrations) or 'none'}")
