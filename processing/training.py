"""Training: the features of a history by the stream's own SQL, a scikit-learn fit, a text artifact."""

import hashlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from pyspark.sql import SparkSession
from sklearn.metrics import average_precision_score, roc_auc_score

from models.artifact import FORMAT, Artifact, Training, seal
from models.compiled import Compiled
from models.estimators import compile_estimator
from models.spec import ModelSpec
from processing.errors import RefuseTrainingError
from processing.history import read_history, verdicts
from processing.session import spark_session
from processing.stages import featurise, history_stage, with_score

HOLD_OUT: Final = 0.25
"""Share of the labelled events, the latest ones, that metrics and threshold are taken from."""

PARITY: Final = 1e-9
"""Largest difference allowed between the compiled score and scikit-learn's own."""

_CONF: Final = {"spark.sql.shuffle.partitions": "2", "spark.sql.execution.arrow.pyspark.enabled": "true"}


@dataclass(frozen=True)
class _Split:
    fit: pd.DataFrame
    tail: pd.DataFrame


def train(
    spec: ModelSpec, history: Path, *, java: Path, memory: str, report: Callable[[str], None]
) -> Artifact:
    """Train a model on a history and return its artifact.

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
        When the labelled events hold one class only, or the compiled score differs from scikit-learn's.
    """
    with spark_session(java, [], slots=2, memory=memory, log_level="ERROR", conf=_CONF) as spark:
        rows = _labelled_features(spark, spec, history)
        report(
            f"{len(rows)} labelled events, {int(rows.verdict.sum())} frauds, {len(spec.features)} features"
        )
        return _fit(spark, spec, _split(rows), report)


def _labelled_features(spark: SparkSession, spec: ModelSpec, history: Path) -> pd.DataFrame:
    plan = spec.plan()
    columns = ["event_id", "event_time", *plan.features]
    features = featurise(read_history(spark, history), plan, history_stage).select(*columns).toPandas()
    truth = pd.DataFrame(verdicts(history), columns=["event_id", "verdict"])
    return features.merge(truth, on="event_id").sort_values("event_time", kind="stable", ignore_index=True)


def _split(rows: pd.DataFrame) -> _Split:
    cut = int(len(rows) * (1 - HOLD_OUT))
    split = _Split(rows.iloc[:cut], rows.iloc[cut:])
    for name, part in (("first", split.fit), ("held-out last", split.tail)):
        if part.verdict.nunique() != 2:  # noqa: PLR2004 - fraud and no fraud
            raise RefuseTrainingError(
                f"the {name} part of the history has {len(part)} labelled events of one class only; give more days"
            )
    return split


def _fit(spark: SparkSession, spec: ModelSpec, split: _Split, report: Callable[[str], None]) -> Artifact:
    plan = spec.plan()
    estimator = spec.estimator().fit(split.fit[plan.features].to_numpy(), split.fit.verdict.to_numpy())
    scores = estimator.predict_proba(split.tail[plan.features].to_numpy())[:, 1]
    compiled = compile_estimator(estimator, plan.features)
    _check_parity(spark, split.tail[plan.features], compiled, scores)
    metrics = _metrics(split.tail.verdict.to_numpy(), scores)
    report(", ".join(f"{name} {value:.3f}" for name, value in metrics.items()))
    return seal(
        Artifact(
            format=FORMAT,
            name=spec.name,
            version=spec.version,
            event=str(spec.event.__struct_config__.tag),
            plan=plan,
            compiled=compiled,
            threshold=spec.threshold.of(scores, int(np.ptp(split.tail.event_time))),
            metrics=metrics,
            training=_provenance(split),
        )
    )


def _check_parity(
    spark: SparkSession, features: pd.DataFrame, compiled: Compiled, expected: npt.NDArray[np.float64]
) -> None:
    native = with_score(spark.createDataFrame(features), compiled).select("score").toPandas().score.to_numpy()
    difference = float(np.abs(native - expected).max())
    if not difference <= PARITY:
        raise RefuseTrainingError(
            f"the compiled score differs from scikit-learn's by {difference:g}, at most {PARITY:g} is allowed"
        )


def _metrics(verdicts: npt.NDArray[Any], scores: npt.NDArray[np.float64]) -> dict[str, float]:
    truth = verdicts.astype(bool)
    return {
        "roc_auc": float(roc_auc_score(truth, scores)),
        "average_precision": float(average_precision_score(truth, scores)),
    }


def _provenance(split: _Split) -> Training:
    rows = pd.concat([split.fit, split.tail])
    digest = hashlib.sha256(pd.util.hash_pandas_object(rows, index=False).to_numpy().tobytes()).hexdigest()
    return Training(
        first_event_time=int(rows.event_time.min()),
        last_event_time=int(rows.event_time.max()),
        events=len(split.fit),
        frauds=int(split.fit.verdict.sum()),
        data=digest,
        versions={
            "python": ".".join(map(str, sys.version_info[:3])),
            **{name: version(name) for name in ("fastdata", "pyspark", "scikit-learn", "numpy", "pandas")},
        },
    )
