"""Compiled calibration and voting against scikit-learn."""

from typing import Any

import pandas as pd
import pytest
from estimator_rows import FEATURES, difference, native, probes, training
from pyspark.sql import SparkSession
from scipy.special import logit
from sklearn import ensemble
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from models.estimators import compile_estimator
from models.largest import Largest

SUM = 1e-9
ROWS = 5000

FOREST = ensemble.RandomForestClassifier(4, max_depth=5, random_state=0)
HISTOGRAM = ensemble.HistGradientBoostingClassifier(max_iter=5, random_state=0)
RIDGE = make_pipeline(StandardScaler(), RidgeClassifier())


@pytest.mark.parametrize("estimator", [FOREST, HISTOGRAM, RIDGE], ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
@pytest.mark.parametrize("members", [False, True])
def test_calibration(spark: SparkSession, estimator: Any, method: str, members: bool) -> None:  # noqa: FBT001 - a parameter of the test
    x, y = training()
    fitted = CalibratedClassifierCV(estimator, method=method, ensemble=members, cv=2).fit(x, y)
    inner = [c.estimator for c in fitted.calibrated_classifiers_]
    slopes = [1.0 if method == "isotonic" else -c.calibrators[0].a_ for c in fitted.calibrated_classifiers_]

    def margin(rows: Any) -> Any:
        takes = [getattr(e, "decision_function", lambda r, e=e: e.predict_proba(r)[:, 1]) for e in inner]
        return sum(s * take(rows) for s, take in zip(slopes, takes, strict=True)) / len(inner)

    score, account = difference(spark, fitted, probes([], rows=ROWS), margin)
    assert score <= SUM
    assert account <= SUM


def test_calibration_of_a_frozen_estimator(spark: SparkSession) -> None:
    x, y = training()
    fitted = CalibratedClassifierCV(FrozenEstimator(HISTOGRAM.fit(x, y))).fit(x, y)
    rows = probes([], rows=ROWS)
    score, account = difference(spark, fitted, rows, lambda r: logit(fitted.predict_proba(r)[:, 1]))
    assert score <= SUM
    assert account <= SUM


def test_the_largest_feature(spark: SparkSession) -> None:
    x, _ = training()
    fitted, rows = Largest().fit(x), pd.DataFrame(probes([], rows=ROWS, missing=0.3), columns=FEATURES)
    got = native(spark, compile_estimator(fitted, FEATURES), rows)
    assert got.score.tolist() == (-fitted.score_samples(rows.to_numpy())).tolist()


def test_voting_of_probabilities(spark: SparkSession) -> None:
    x, y = training()
    members = [("a", FOREST), ("b", LogisticRegression(max_iter=500)), ("c", "drop")]
    fitted = ensemble.VotingClassifier(members, voting="soft", weights=[3, 1, 9]).fit(x, y)
    score, _ = difference(spark, fitted, probes([], rows=ROWS))
    assert score <= SUM


def test_voting_of_predictions(spark: SparkSession) -> None:
    x, y = training()
    members = [("a", LinearRegression()), ("b", DecisionTreeRegressor(max_depth=5, random_state=0))]
    fitted = ensemble.VotingRegressor(members, weights=[1, 2]).fit(x, y + x[:, 0])
    score, account = difference(spark, fitted, probes([], rows=ROWS), fitted.predict)
    assert score <= SUM
    assert account <= SUM


def test_voting_of_equal_margins_keeps_their_account(spark: SparkSession) -> None:
    x, y = training()
    members = [("a", HISTOGRAM), ("b", LogisticRegression(max_iter=500))]
    fitted = ensemble.VotingClassifier(members, voting="soft").fit(x, y)
    score, account = difference(
        spark,
        fitted,
        probes([], rows=ROWS),
        lambda r: sum(m.decision_function(r) for m in fitted.estimators_) / 2,
    )
    assert score <= SUM
    assert account <= SUM
