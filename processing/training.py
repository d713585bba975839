"""Training: the features of a history by the stream's own SQL, a scikit-learn fit, a text artifact."""

import hashlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from pyspark.sql import SparkSession

from models.artifact import FORMAT, Artifact, Training, seal
from models.evaluation import average_precision, calibration, roc_auc
from models.life_evaluation import evaluate
from models.spec import AlertBelow, FixedThreshold, ModelSpec, RunToFailure
from processing.errors import RefuseTrainingError
from processing.fitting import Fitted, check_parity, check_values, fit
from processing.labelled import labelled, table_session
from processing.lives import dealt, judged, said, with_lives
from processing.own_scores import Scores

HOLD_OUT: Final = 0.25
"""Share of the events, the latest ones, that metrics and threshold are taken from."""

_CODE: Final = ("models", "processing")


@dataclass(frozen=True)
class _Split:
    fit: pd.DataFrame
    tail: pd.DataFrame


def train(
    spec: ModelSpec, history: Path, *, java: Path, memory: str, report: Callable[[str], None]
) -> Artifact:
    """Train a model on a history and return its artifact.

    The latest quarter of the events is held out: metrics and threshold are those of scores that the
    estimator could not have learned. Nor does it learn from events whose label was not known by then.

    Without labels and with a fixed threshold there is nothing to hold out for, and all events are learned from.
    Where machines run to failure, a quarter of the machines is held out for metrics and threshold; then all are
    learned from.

    Parameters
    ----------
    spec
        What to train.
    history
        A file by `processing.history.write_history`.
    java
        The Java binary.
    memory
        Heap of Spark's Java process, as in `2g`.
    report
        Takes one line per step.

    Raises
    ------
    RefuseTrainingError
        When the events hold one class only, the estimator takes no nulls and a feature may be null, or the
        compiled score differs from scikit-learn's.
    """
    with table_session(java, memory, history) as spark:
        if isinstance(spec.label, RunToFailure):
            return _trained_on_lives(spark, spec, with_lives(spark, spec, history), report)
        rows = labelled(spark, spec.plan(), history)
        if spec.label is not None:
            rows = rows[rows.verdict.notna()]
        known = f"labelled events, {_frauds(rows)} frauds" if spec.label else "events"
        report(f"{len(rows)} {known}, {len(spec.inputs)} features")
        return _trained(spark, spec, _split(spec, rows), report)


def _split(spec: ModelSpec, rows: pd.DataFrame) -> _Split:
    cut = int(len(rows) * (1 - HOLD_OUT))
    head, tail = rows.iloc[:cut], rows.iloc[cut:]
    if spec.label is None and isinstance(spec.threshold, FixedThreshold):
        head = rows
    if spec.label is not None and len(tail):
        head = head[head.known_at <= tail.event_time.iloc[0]]
    split = _Split(head, tail)
    for name, part in (("first", split.fit), ("held-out last", split.tail)):
        if not len(part) or (spec.label is not None and part.verdict.nunique() != 2):  # noqa: PLR2004 - fraud and no fraud
            raise RefuseTrainingError(
                f"the {name} part of the history has {len(part)} events with a label in time, of one class only; "
                "give more days"
            )
    return split


def _trained(spark: SparkSession, spec: ModelSpec, split: _Split, report: Callable[[str], None]) -> Artifact:
    fitted = fit(spec, split.fit)
    scores = check_parity(spark, spec, fitted, split.tail)
    if fitted.python is not None:
        report(f"scored in Python, in batches behind the query: {fitted.python.reason}")
    metrics = _metrics(split.tail, scores, fitted)
    if metrics:
        report(", ".join(f"{name} {value:.3f}" for name, value in metrics.items()))
    threshold = spec.threshold.of(scores, int(np.ptp(split.tail.event_time)))
    return _sealed(spec, fitted, threshold, metrics, _provenance(split))


def _trained_on_lives(
    spark: SparkSession, spec: ModelSpec, rows: pd.DataFrame, report: Callable[[str], None]
) -> Artifact:
    machines = rows[spec.event.key_field].nunique()
    report(f"{len(rows)} readings of {machines} machines until they failed, {len(spec.inputs)} features")
    held_out = dealt(spec, rows, round(1 / HOLD_OUT)) == 0
    tail = rows[held_out]
    values = check_values(spark, spec, fit(spec, rows[~held_out]), tail)
    metrics = _metrics_of_lives(spec, tail, values)
    report(", ".join(f"{name} {value:.3f}" for name, value in metrics.items()))
    threshold = spec.threshold.of(values.score.to_numpy(np.float64), int(np.ptp(tail.event_time)))
    fitted = fit(spec, rows)
    check_values(spark, spec, fitted, rows)
    return _sealed(spec, fitted, threshold, metrics, _provenance(_Split(rows, rows[:0])))


def _sealed(
    spec: ModelSpec, fitted: Fitted, threshold: float, metrics: dict[str, float], training: Training
) -> Artifact:
    return seal(
        Artifact(
            format=FORMAT,
            name=spec.name,
            version=spec.version,
            event=str(spec.event.__struct_config__.tag),
            plan=spec.plan(),
            compiled=fitted.compiled,
            python=fitted.python,
            below=isinstance(spec.threshold, AlertBelow),
            threshold=threshold,
            metrics=metrics,
            training=training,
        )
    )


def _metrics_of_lives(spec: ModelSpec, tail: pd.DataFrame, values: pd.DataFrame) -> dict[str, float]:
    told = said(spec, tail, values)
    found = evaluate(told.where(judged(told)))
    metrics = {"rmse": found.rmse, "rmse_clipped": found.rmse_clipped, "bias": found.bias}
    return metrics if found.coverage is None else {**metrics, "coverage": found.coverage}


def _metrics(tail: pd.DataFrame, scores: Scores, fitted: Fitted) -> dict[str, float]:
    known = tail.verdict.notna().to_numpy()
    truth, told = tail.verdict[known].to_numpy(dtype=bool), scores[known]
    if not truth.any() or truth.all():
        return {}
    metrics = {"roc_auc": roc_auc(truth, told), "average_precision": average_precision(truth, told)}
    return metrics | ({"brier": calibration(truth, told).brier} if fitted.probability else {})


def _frauds(rows: pd.DataFrame) -> int:
    return int(rows.verdict.eq(other=True).sum())


def _provenance(split: _Split) -> Training:
    rows = pd.concat([split.fit, split.tail]).drop_duplicates("event_id")
    digest = hashlib.sha256(pd.util.hash_pandas_object(rows, index=False).to_numpy().tobytes()).hexdigest()
    return Training(
        first_event_time=int(rows.event_time.min()),
        last_event_time=int(rows.event_time.max()),
        events=len(split.fit),
        frauds=_frauds(split.fit),
        data=digest,
        versions={
            "code": code_version(),
            "python": ".".join(map(str, sys.version_info[:3])),
            **{name: version(name) for name in ("fastdata", "pyspark", "scikit-learn", "numpy", "pandas")},
        },
    )


def code_version() -> str:
    """Return a digest of the source of all that takes part in a score: two artifacts with the same were made by the same code."""
    root = Path(__file__).parent.parent
    files = sorted(file for package in _CODE for file in (root / package).rglob("*.py"))
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(root)}\n".encode() + file.read_bytes())
    return digest.hexdigest()
