"""The compiled interval of remaining life against the estimator's own."""

import numpy as np
import pandas as pd
from estimator_rows import FEATURES, native, probes, thresholds
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that every Spark user knows
from sklearn.ensemble import HistGradientBoostingRegressor

from models.estimators import compile_estimator
from models.remaining_life import RemainingLife
from processing.stages import with_score


def fitted() -> RemainingLife:
    rng = np.random.default_rng(2)
    rows = probes([], rows=1_500, missing=0.1)
    life = np.nan_to_num(40 - 20 * rows[:, 0] + 5 * rows[:, 1] * rng.normal(size=len(rows))).clip(0)
    base = HistGradientBoostingRegressor(max_iter=12, early_stopping=False, random_state=0)
    model: RemainingLife = RemainingLife(base, cap_hours=60).fit(rows, life, groups=np.arange(len(rows)) % 15)
    return model


def test_score_outputs_and_contributions(spark: SparkSession) -> None:
    model = fitted()
    turns = [t for part in (model.estimate_, model.lower_, model.upper_) for t in thresholds(part)]
    rows = pd.DataFrame(probes(turns, rows=2_000, missing=0.2), columns=FEATURES)
    expected, compiled = model.outputs(rows.to_numpy()), compile_estimator(model, FEATURES)
    got = native(spark, compiled, rows)
    np.testing.assert_allclose(got.score, expected["lower"], rtol=0, atol=1e-12)
    pushes = got.filter(like="push_").sum(axis=1) + model.margins_[0]
    assert np.ptp(model.lower_.predict(rows.to_numpy()) - pushes) < 1e-9
    outputs = [F.expr(sql).alias(name) for name, sql in compiled.outputs.items()]
    told = with_score(spark.createDataFrame(rows), compiled).select(*outputs).toPandas()
    assert list(told) == ["estimate", "lower", "upper"]
    for name, values in expected.items():
        np.testing.assert_allclose(told[name], values, rtol=0, atol=1e-12)
