"""Backtests of detectors: learn from each machine's first readings, look for its known anomalies in the others."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from pyspark.sql import SparkSession

from models.anomaly_evaluation import Flags, Found, Watched, Window, evaluate, watched
from models.spec import AlertBelow, ModelSpec
from processing.errors import RefuseTrainingError
from processing.fitting import check_parity, fit
from processing.labelled import labelled, table_session
from processing.own_scores import Scores


@dataclass(frozen=True)
class AnomalyResult:
    """What a detector has shown.

    Attributes
    ----------
    trained_on
        Readings that it was fitted on.
    machines
        The judged readings and windows of each machine.
    found
        At the model's own threshold.
    """

    trained_on: int
    machines: list[Watched]
    found: Found


def backtest_anomalies(
    spec: ModelSpec,
    history: Path,
    windows: Mapping[str, Sequence[Window]],
    *,
    share: float,
    java: Path,
    memory: str,
    report: Callable[[str], None],
) -> AnomalyResult:
    """Evaluate a model that learns without labels; scores are those of the compiled SQL.

    It is fitted on the first share of each machine's readings, its threshold is taken from their scores, and the
    others are judged. An alert at or below a threshold is turned around: the strangest reading is the lowest.

    Parameters
    ----------
    history
        A file by `processing.history.write_history`.
    windows
        Machine -> when it is known to have been abnormal.
    share
        Above 0 and below 1.
    java
        The Java binary.
    memory
        Heap of Spark's Java process, as in `2g`.
    report
        Takes one line per step.

    Raises
    ------
    RefuseTrainingError
        When a part has no readings, or the estimator does not fit the features.
    """
    with table_session(java, memory, history) as spark:
        rows = labelled(spark, spec.plan(), history)
        parts = _parts(spark, spec, rows, share)
    report(f"{len(rows)} readings, {int(parts.first.sum())} of them learned from")
    return _judged(spec, parts, windows)


def scored(spec: ModelSpec, history: Path, *, share: float, java: Path, memory: str) -> pd.DataFrame:
    """Return all readings with their `score`, fitted as in `backtest_anomalies`."""
    with table_session(java, memory, history) as spark:
        rows = labelled(spark, spec.plan(), history)
        return rows.assign(score=_parts(spark, spec, rows, share).scores)


@dataclass(frozen=True)
class _Parts:
    rows: pd.DataFrame
    first: Flags
    scores: Scores


def _parts(spark: SparkSession, spec: ModelSpec, rows: pd.DataFrame, share: float) -> _Parts:
    first = first_of_each(rows[spec.event.key_field], share)
    return _Parts(rows, first, check_parity(spark, spec, fit(spec, rows[first]), rows))


def _judged(spec: ModelSpec, parts: _Parts, windows: Mapping[str, Sequence[Window]]) -> AnomalyResult:
    first, scores, rows = parts.first, parts.scores, parts.rows[~parts.first]
    span = int(np.ptp(parts.rows.event_time[first]))
    sign = -1.0 if isinstance(spec.threshold, AlertBelow) else 1.0
    machines = watched(
        rows[spec.event.key_field].to_numpy(dtype=object),
        rows.event_time.to_numpy(np.int64),
        sign * scores[~first],
        windows,
    )
    threshold = sign * spec.threshold.of(scores[first], span)
    return AnomalyResult(int(first.sum()), machines, evaluate(machines, threshold))


def first_of_each(machine: pd.Series, share: float) -> Flags:
    """Return which rows are among the first share of their machine's.

    Raises
    ------
    RefuseTrainingError
        When these are none, or all.
    """
    by_machine = machine.groupby(machine)
    number, size = by_machine.cumcount().to_numpy(), by_machine.transform("size").to_numpy(np.int64)
    first: Flags = np.less(number, np.floor(share * size))
    if not first.any() or first.all():
        raise RefuseTrainingError(
            f"of {len(machine)} readings, {int(first.sum())} are learned from: both parts need some, choose another share"
        )
    return first
