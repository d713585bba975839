"""`demo`: everything at once, live."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.given import given_of, say, settings_of
from pipeline.errors import FailCheckError

if TYPE_CHECKING:
    from pipeline.bootstrap.demo import Draw, Result
    from pipeline.demo.show import Stage
    from pipeline.demo.view import Picture
    from pipeline.settings import Settings

LINE_EVERY_S = 5.0
DRAWS_PER_S = 4
WARM_UP_S = 20.0


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(demo)


def demo(
    context: typer.Context,
    *,
    minutes: Annotated[float, typer.Option(min=0.1, help="How long events come.")] = 2.0,
    rate: Annotated[float, typer.Option(min=1, help="Card events per second, labels included.")] = 400.0,
    readings: Annotated[float, typer.Option(min=1, help="Readings of machines per second.")] = 100.0,
    training_days: Annotated[
        int, typer.Option(min=14, help="Days of card history to train on, if there is no model.")
    ] = 30,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the servers running, to look around.")] = False,
) -> None:
    """Show a card blocked and a pump slowed down, live: up, migrate, train, simulate, run, verify.

    It plays in a namespace of its own, and leaves nothing running unless --keep is given.
    """
    given = given_of(context)
    settings = settings_of(context)
    own = [*for_minutes(settings)]
    if not settings.namespace and not any(flag.startswith("namespace=") for flag in given.flags):
        own.append(f"namespace=demo_{datetime.now(UTC):%Y%m%d_%H%M%S}")
    from pipeline import lifeline  # noqa: PLC0415 - only what runs is loaded
    from pipeline.bootstrap.demo import play  # noqa: PLC0415 - only what runs is loaded
    from pipeline.bootstrap.demo_worlds import DemoOptions  # noqa: PLC0415 - only what runs is loaded
    from pipeline.cli.run import tell  # noqa: PLC0415 - only what runs is loaded

    options = DemoOptions(minutes, rate, readings, training_days, min(WARM_UP_S, minutes * 30), keep)
    with _canvas() as draw:
        result = play(given.origin(*own), options, report=tell, draw=draw, stop_asked=lifeline.stop_event)
    _conclude(result, keep=keep)


def for_minutes(settings: "Settings") -> Iterator[str]:
    """Return what pays in a run of minutes, as `name=value`, unless the settings say something about it."""
    if "standby" not in settings.supervision.model_fields_set:
        yield "supervision.standby=false"
    if "brief" not in settings.processing.model_fields_set:
        yield "processing.brief=true"


def _conclude(result: "Result", *, keep: bool) -> None:
    from pipeline.cli import verify_view  # noqa: PLC0415 - only what runs is loaded
    from pipeline.demo import render  # noqa: PLC0415 - only what runs is loaded

    typer.echo(
        "\n".join(
            (
                *render.summary(result.picture, result.warm_up_s, result.held_s),
                *verify_view.lines(result.reconciliation),
            )
        )
    )
    if keep:
        name = f"fastdata --namespace {result.settings.namespace}"
        say(
            f"the servers still run; try `{name} status`, `{name} story EVENT_ID`, and `fastdata down` in the end"
        )
    if not result.reconciliation.clean:
        raise FailCheckError("the demo did not verify clean")


@contextmanager
def _canvas() -> "Iterator[Draw]":
    """Yield what draws the view: in place on a terminal, as a line now and then elsewhere."""
    if not sys.stdout.isatty():
        yield _lines()
        return
    from rich.live import Live  # noqa: PLC0415 - only what runs is loaded

    from pipeline.demo import render  # noqa: PLC0415 - only what runs is loaded

    with Live(refresh_per_second=DRAWS_PER_S, redirect_stderr=True) as live:

        def draw(stage: "Stage", picture: "Picture") -> None:
            live.update(render.panel(stage, picture))

        yield draw


def _lines() -> "Draw":
    from pipeline.demo import render  # noqa: PLC0415 - only what runs is loaded

    drawn_at = time.monotonic()

    def draw(stage: "Stage", picture: "Picture") -> None:
        nonlocal drawn_at
        if time.monotonic() - drawn_at >= LINE_EVERY_S:
            drawn_at = time.monotonic()
            typer.echo(render.line(stage, picture))

    return draw
