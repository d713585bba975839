"""The compiled monitors of machines and their sensors against their own scores."""

import numpy as np
import pandas as pd
import pytest
from estimator_rows import FEATURES, native, probes
from pyspark.sql import SparkSession

from models.consistency import MachineMonitor, SensorMonitor
from models.estimators import compile_estimator

FLAG = FEATURES[-1]
NORMAL = pd.DataFrame(
    np.random.default_rng(3).normal(size=(500, 3)) @ np.random.default_rng(4).normal(size=(3, len(FEATURES)))
    + probes([], rows=500),
    columns=FEATURES,
)


@pytest.mark.parametrize(
    "estimator", [MachineMonitor(0.01), SensorMonitor(0.01, flags=(FLAG,))], ids=lambda e: type(e).__name__
)
def test_the_score(spark: SparkSession, estimator: MachineMonitor | SensorMonitor) -> None:
    fitted = estimator.fit(NORMAL)
    rows = pd.DataFrame(
        probes([], rows=2_000, missing=0.2) * np.geomspace(0.1, 1e3, 2_000)[:, None], columns=FEATURES
    )
    expected = -fitted.score_samples(rows)
    got = native(spark, compile_estimator(fitted, FEATURES), rows)
    assert (np.abs(got.score - expected) / np.maximum(1, expected)).max() <= 1e-9
