"""`models backtest --windows`: how well a detector finds known anomalies."""

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

SHARE = 0.15


def backtest_anomalies(
    settings: "Settings",
    spec: "ModelSpec",
    data: Sequence[Path],
    mapping: Path | None,
    windows: Path,
    *,
    share: float,
    as_json: bool,
    chart: Path | None,
) -> None:
    """Look for the anomalies of a file of windows, and print what was found."""
    began = time.monotonic()
    if spec.label is not None:
        raise RefuseUsageError(
            f"{spec.name} learns from labels: leave out --windows and say when training begins, with --train-from"
        )
    if not 0 < share < 1:
        raise RefuseUsageError(f"--learn-share lies between 0 and 1, not {share:g}")
    from pipeline import anomaly_chart, anomaly_report  # noqa: PLC0415 - only what runs is loaded
    from pipeline.bootstrap.anomaly_backtest import (  # noqa: PLC0415 - only what runs is loaded
        backtest_anomalies_on_files,
    )
    from pipeline.windows import read_windows  # noqa: PLC0415 - only what runs is loaded

    known = read_windows(windows)
    result = backtest_anomalies_on_files(settings, spec, data, mapping, known, share=share, report=say)
    if chart is not None:
        anomaly_chart.draw(spec, result, chart)
    if as_json:
        typer.echo(json.dumps(anomaly_report.as_json(spec, result, time.monotonic() - began), indent=1))
    else:
        typer.echo("\n".join(anomaly_report.lines(spec, result)))
