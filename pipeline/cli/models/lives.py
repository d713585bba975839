"""`models backtest` of a model that learns from runs to failure: how well it knows the life that is left."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from pipeline.cli.given import say
from pipeline.errors import RefuseUsageError

if TYPE_CHECKING:
    from models.spec import ModelSpec
    from pipeline.settings import Settings
    from processing.life_backtest import LifeResult

GROUPS = 5
HORIZON_HOURS = 150.0


def backtest_lives(
    settings: "Settings",
    spec: "ModelSpec",
    data: Sequence[Path],
    mapping: Path | None,
    *,
    test: Sequence[Path],
    truth: Path | None,
    groups: int,
    horizon_hours: float,
    as_json: bool,
    chart: Path | None,
) -> None:
    """Judge groups of machines by models of the others, or test machines with known lives; print what was found."""
    began = time.monotonic()
    if bool(test) != (truth is not None):
        raise RefuseUsageError(
            "--test holds machines that did not fail, and --truth the hours that each had left: give both"
        )
    result = _result(
        settings, spec, data, mapping, test=test, truth=truth, groups=groups, horizon_hours=horizon_hours
    )
    from pipeline import life_chart, life_report  # noqa: PLC0415 - only what runs is loaded

    if chart is not None:
        life_chart.draw(spec, result, chart)
    if as_json:
        typer.echo(json.dumps(life_report.as_json(spec, result, time.monotonic() - began), indent=1))
    else:
        typer.echo("\n".join(life_report.lines(spec, result)))


def _result(
    settings: "Settings",
    spec: "ModelSpec",
    data: Sequence[Path],
    mapping: Path | None,
    *,
    test: Sequence[Path],
    truth: Path | None,
    groups: int,
    horizon_hours: float,
) -> "LifeResult":
    from pipeline.bootstrap import life_backtest  # noqa: PLC0415 - only what runs is loaded

    if truth is not None:
        apart = life_backtest.TestSet(test, truth)
        return life_backtest.tested_on_files(settings, spec, data, mapping, apart, report=say)
    return life_backtest.cross_validated_on_files(
        settings, spec, data, mapping, folds=groups, horizon_hours=horizon_hours, report=say
    )
