"""Rows for comparing compiled estimators with scikit-learn: random ones, and the ones where trees turn."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that every Spark user knows
from sklearn.base import is_classifier
from sklearn.datasets import make_classification

from models.compiled import Compiled
from models.estimators import compile_estimator
from processing.stages import with_score

FEATURES = [f"f{i}" for i in range(8)]
Matrix = npt.NDArray[np.float64]


def training(*, missing: float = 0.0, rows: int = 4000) -> tuple[Matrix, npt.NDArray[Any]]:
    """Return a training set of two classes; a share of the values is missing."""
    x, y = make_classification(rows, len(FEATURES), n_informative=6, weights=[0.8], random_state=5)
    holes = np.random.default_rng(5).random(x.shape) < missing
    return np.where(holes, np.nan, x), y


def probes(thresholds: Sequence[float], *, rows: int, missing: float = 0.0, infinite: float = 0.0) -> Matrix:
    """Return rows of random values, of the thresholds and of their neighbours among float32 and float64."""
    rng = np.random.default_rng(6)
    x = rng.normal(scale=2, size=(rows, len(FEATURES)))
    if len(thresholds):
        exact = np.asarray(thresholds, float)
        single = exact.astype(np.float32)
        near = [
            exact,
            np.nextafter(exact, np.inf),
            np.nextafter(exact, -np.inf),
            single.astype(float),
            np.nextafter(single, np.float32(np.inf)).astype(float),
            np.nextafter(single, np.float32(-np.inf)).astype(float),
        ]
        chosen = rng.random(x.shape) < 0.5
        x[chosen] = rng.choice(np.concatenate(near), int(chosen.sum()))
    x[rng.random(x.shape) < infinite] = np.inf
    x[rng.random(x.shape) < infinite] = -np.inf
    x[rng.random(x.shape) < missing] = np.nan
    return x


def native(spark: SparkSession, compiled: Compiled, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the compiled score and contributions of the rows; a missing value is null in every other row."""
    spark.conf.set("spark.sql.execution.arrow.pyspark.enabled", "true")
    frame = spark.createDataFrame(rows.assign(row=np.arange(len(rows))))
    for name in rows.columns:
        if rows[name].dtype.kind == "f":
            frame = frame.withColumn(
                name,
                F.expr(f"if(isnan({name}) or {name} is null, if(row % 2 = 0, null, double('NaN')), {name})"),
            )
    pushes = [F.expr(sql).alias(f"push_{name}") for name, sql in compiled.contributions.items()]
    scored = with_score(frame, compiled).select("row", "score", *pushes)
    return scored.toPandas().sort_values("row", ignore_index=True)


def thresholds(estimator: Any) -> list[float]:
    """Return the finite thresholds of all trees."""
    if hasattr(estimator, "_predictors"):
        nodes = [p.nodes for (p,) in estimator._predictors]
        found = np.concatenate([n["num_threshold"][n["is_leaf"] == 0] for n in nodes])
    else:
        members = np.ravel(getattr(estimator, "estimators_", [estimator]))
        found = np.concatenate([m.tree_.threshold[m.tree_.children_left >= 0] for m in members])
    return [float(t) for t in found[np.isfinite(found)]]


def answer(estimator: Any) -> Callable[[Any], Any]:
    """Return what the score has to be."""
    if is_classifier(estimator):
        return lambda x: estimator.predict_proba(x)[:, 1]
    return estimator.predict  # type: ignore[no-any-return]


def difference(
    spark: SparkSession,
    fitted: Any,
    rows: Any,
    margin: Callable[[Any], Any] | None = None,
    *,
    expected: Callable[[Any], Any] | None = None,
    background: Any = None,
) -> tuple[float, float]:
    """Return the largest difference of the score, and of contributions + baseline from the margin."""
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(rows, columns=FEATURES)
    compiled = compile_estimator(fitted, list(frame.columns), background)
    got = native(spark, compiled, frame)
    assert not got.score.isna().any()
    score = float(np.abs(got.score - (expected or answer(fitted))(rows)).max())
    if margin is None:
        assert not compiled.contributions
        return score, 0.0
    assert compiled.contributions
    rest = np.asarray(margin(rows)) - got.filter(like="push_").sum(axis=1)
    return score, float(np.ptp(rest))
