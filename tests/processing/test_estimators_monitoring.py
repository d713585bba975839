"""The compiled process monitor against its own scores and contributions."""

import numpy as np
import pandas as pd
from estimator_rows import FEATURES, difference, native, probes
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that every Spark user knows
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from models.estimators import compile_estimator
from models.monitoring import ProcessMonitor
from processing.stages import with_score

ROWS = 2_000
NORMAL = np.random.default_rng(3).normal(size=(500, 3)) @ np.random.default_rng(4).normal(
    size=(3, len(FEATURES))
) + probes([], rows=500)


def test_score_and_contributions(spark: SparkSession) -> None:
    fitted = ProcessMonitor(0.8).fit(NORMAL)
    rows = probes([], rows=ROWS, missing=0.3) * np.geomspace(0.1, 1e4, ROWS)[:, None]
    expected = -fitted.score_samples(rows)
    got = native(spark, compile_estimator(fitted, FEATURES), pd.DataFrame(rows, columns=FEATURES))
    assert (np.abs(got.score - expected) / np.maximum(1, expected)).max() <= 1e-9
    pushes = got[[f"push_{name}" for name in FEATURES]].to_numpy()
    assert (np.abs(pushes - fitted.contributions(rows)) / np.maximum(1, expected)[:, None]).max() <= 1e-9


def test_behind_a_scaler(spark: SparkSession) -> None:
    fitted = make_pipeline(StandardScaler(), ProcessMonitor(3)).fit(NORMAL)
    strangeness = lambda x: -fitted.score_samples(x)  # noqa: E731 - a name for both places
    score, rest = difference(spark, fitted, probes([], rows=ROWS), strangeness, expected=strangeness)
    assert score <= 1e-9
    assert rest <= 1e-9


def test_its_outputs_are_the_statistics_in_shares_of_their_limits(spark: SparkSession) -> None:
    fitted = ProcessMonitor(0.8).fit(NORMAL)
    compiled, rows = compile_estimator(fitted, FEATURES), pd.DataFrame(probes([], rows=20), columns=FEATURES)
    told = with_score(spark.createDataFrame(rows), compiled).select(
        *(F.expr(sql).alias(name) for name, sql in compiled.outputs.items())
    )
    np.testing.assert_allclose(
        told.toPandas()[["t2", "spe"]].to_numpy().T, fitted.statistics(rows.to_numpy())
    )
