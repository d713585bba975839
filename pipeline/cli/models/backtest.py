"""`models backtest`: how good a model would have been, window by window."""

import json
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline import specs
from pipeline.cli.given import say, settings_of
from pipeline.cli.models.anomalies import SHARE, backtest_anomalies
from pipeline.cli.models.lives import GROUPS, HORIZON_HOURS, backtest_lives
from pipeline.cli.models.train import Mapping, Model
from pipeline.errors import RefuseUsageError

if TYPE_CHECKING:
    from models.spec import ModelSpec
    from processing.backtest import Fold

DAY_MS = 86_400_000
ANOMALIES = ("windows", "learn_share")
LIVES = ("test", "truth", "groups", "horizon_hours")
FOLDS = ("train_from", "train_days", "delay_days", "test_days", "folds", "top")
MONEY = ("missed_fraud", "review", "false_decline")
"""Options of one protocol, refused beside another's."""


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(backtest)


def backtest(
    context: typer.Context,
    model: Model = specs.FRAUD,
    *,
    data: Annotated[
        list[Path], typer.Option(help="Parquet, CSV or JSON Lines file with labels; may be repeated.")
    ],
    mapping: Mapping = None,
    train_from: Annotated[
        str | None, typer.Option(metavar="DATE", help="First day of training, as in 2018-07-25 (UTC).")
    ] = None,
    train_days: Annotated[int, typer.Option(min=1, help="Days of training.")] = 7,
    delay_days: Annotated[
        int | None,
        typer.Option(min=0, help="Days until the test begins; the model's label delay if left out."),
    ] = None,
    test_days: Annotated[int, typer.Option(min=1, help="Days of test.")] = 7,
    folds: Annotated[
        str | None, typer.Option(metavar="DATES", help="Further first days of training, with commas between.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Cards a day that are looked at.")] = 100,
    missed_fraud: Annotated[
        float, typer.Option(min=0, help="Cost of a missed fraud, times its amount.")
    ] = 1.0,
    review: Annotated[float, typer.Option(min=0, help="Cost of looking at an alert.")] = 1.0,
    false_decline: Annotated[
        float, typer.Option(min=0, help="Cost of an alert on a good event: a customer turned away.")
    ] = 5.0,
    windows: Annotated[
        Path | None,
        typer.Option(
            metavar="JSON",
            help="Known anomalies, for a model without labels: machine -> [[first time, last time], ...].",
        ),
    ] = None,
    learn_share: Annotated[
        float,
        typer.Option(
            help="With --windows: the first share of each machine's readings, learned from, not judged."
        ),
    ] = SHARE,
    test: Annotated[
        list[Path] | None,
        typer.Option(help="For remaining life: a file of machines that did not fail; may be repeated."),
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="With --test: the hours that each machine had left after its last reading, one a line in the order "
            "of their first readings, or a JSON object by machine.",
        ),
    ] = None,
    groups: Annotated[
        int,
        typer.Option(
            min=2, help="For remaining life: groups of machines, each judged by a model of the others."
        ),
    ] = GROUPS,
    horizon_hours: Annotated[
        float,
        typer.Option(min=1, help="For remaining life: readings further from failure are not judged."),
    ] = HORIZON_HOURS,
    as_json: Annotated[bool, typer.Option("--json", help="Everything as JSON.")] = False,
    chart: Annotated[Path | None, typer.Option(metavar="PNG", help="Draw what was found.")] = None,
) -> None:
    """Train on a window, wait until its labels are known, score the window after it; by the compiled SQL.

    Cards with a fraud since training began leave the test on the day after it became known. The threshold
    is taken from the scores between the windows.

    With --windows, a model without labels learns from each machine's first readings, and the known anomalies
    among the others are looked for.

    A model that learns from runs to failure is judged on groups of machines by models of the others; with --test, on
    the last reading of each test machine.
    """
    began = time.monotonic()
    settings, spec = settings_of(context), specs.load(model)
    if chart is not None and not chart.absolute().parent.is_dir():
        raise RefuseUsageError(f"there is no folder {chart.absolute().parent} for the chart")
    if _learns_lives(spec):
        _refuse_beside(context, "a backtest of remaining life", *FOLDS, *MONEY, *ANOMALIES)
        if test:
            _refuse_beside(context, "a backtest on --test", "groups", "horizon_hours")
        backtest_lives(
            settings,
            spec,
            data,
            mapping,
            test=test or [],
            truth=truth,
            groups=groups,
            horizon_hours=horizon_hours,
            as_json=as_json,
            chart=chart,
        )
        return
    if windows is not None:
        _refuse_beside(context, "--windows", *FOLDS, *MONEY, *LIVES)
        backtest_anomalies(
            settings, spec, data, mapping, windows, share=learn_share, as_json=as_json, chart=chart
        )
        return
    _refuse_beside(context, "a backtest by dates", *ANOMALIES, *LIVES)
    spans = _folds(spec, train_from, folds, train_days, delay_days, test_days)
    from models.evaluation import Costs  # noqa: PLC0415 - only what runs is loaded
    from pipeline import backtest_chart, backtest_report  # noqa: PLC0415 - only what runs is loaded
    from pipeline.bootstrap.backtest import backtest_on_files  # noqa: PLC0415 - only what runs is loaded

    costs = Costs(missed_fraud=missed_fraud, review=review, false_decline=false_decline)
    results = backtest_on_files(settings, spec, data, mapping, spans, costs=costs, top=top, report=say)
    if chart is not None:
        backtest_chart.draw(spec, results, top, chart)
    if as_json:
        told = backtest_report.as_json(spec, results, top, time.monotonic() - began)
        typer.echo(json.dumps(told, indent=1))
    else:
        typer.echo("\n".join(backtest_report.lines(spec, results, top)))


def _learns_lives(spec: "ModelSpec") -> bool:
    from models.spec import RunToFailure  # noqa: PLC0415 - only what runs is loaded

    return isinstance(spec.label, RunToFailure)


def _refuse_beside(context: typer.Context, protocol: str, *options: str) -> None:
    for name in options:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise RefuseUsageError(f"--{name.replace('_', '-')} has no meaning in {protocol}: leave it out")


def _folds(  # noqa: PLR0917 - the options of one command
    spec: "ModelSpec",
    train_from: str | None,
    further: str | None,
    train_days: int,
    delay_days: int | None,
    test_days: int,
) -> "list[Fold]":
    from processing.backtest import Fold  # noqa: PLC0415 - only what runs is loaded

    texts = [*([train_from] if train_from else []), *(further.split(",") if further else [])]
    if not texts:
        raise RefuseUsageError("say when training begins: --train-from 2018-07-25, or several with --folds")
    from models.spec import LateLabel  # noqa: PLC0415 - only what runs is loaded

    declared_ms = spec.label.delay_ms if isinstance(spec.label, LateLabel) else 0
    delay_ms = declared_ms if delay_days is None else delay_days * DAY_MS
    starts = sorted({_date(text.strip()) for text in texts})
    return [Fold(_ms(start), train_days * DAY_MS, delay_ms, test_days * DAY_MS) for start in starts]


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise RefuseUsageError(f"{text!r} is no date: write it as in 2018-07-25") from error


def _ms(day: date) -> int:
    return round(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1_000)
