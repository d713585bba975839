"""`api`: the HTTP API."""

import typer

from pipeline.cli.given import say, settings_of


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(api)


def api(context: typer.Context) -> None:
    """Serve the HTTP API on 127.0.0.1 (console.port): alarms, commands, cases, policies; Ctrl-C ends it.

    Its description is at /openapi.json. Every change names who (header X-Operator) and why.
    """
    settings = settings_of(context)
    from pipeline import lifeline  # noqa: PLC0415 - only what runs is loaded
    from pipeline.bootstrap.api import run_api  # noqa: PLC0415 - only what runs is loaded

    run_api(settings, lifeline.stop_event(), lambda address: say(f"answering at {address}"))
