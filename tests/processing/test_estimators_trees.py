"""Compiled trees against scikit-learn, on and beside their thresholds, with missing and infinite values."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from estimator_rows import FEATURES, answer, difference, probes, thresholds, training
from pyspark.sql import SparkSession
from sklearn import ensemble, tree

ONE_TREE = 1e-12
SUM = 1e-9
ROWS = 6_000


@pytest.mark.parametrize("missing", [0.0, 0.2])
@pytest.mark.parametrize(
    ("estimator", "allowed"),
    [
        (tree.DecisionTreeClassifier(max_depth=8, random_state=0), ONE_TREE),
        (tree.DecisionTreeRegressor(max_depth=8, random_state=0), ONE_TREE),
        (ensemble.RandomForestClassifier(8, max_depth=7, class_weight="balanced", random_state=0), SUM),
        (ensemble.RandomForestRegressor(5, max_depth=6, random_state=0), SUM),
        (ensemble.ExtraTreesClassifier(5, max_depth=6, random_state=0), SUM),
        (ensemble.ExtraTreesRegressor(5, max_depth=6, random_state=0), SUM),
    ],
    ids=lambda v: type(v).__name__ if hasattr(v, "fit") else "",
)
def test_trees_and_forests(spark: SparkSession, estimator: Any, allowed: float, missing: float) -> None:
    x, y = training(missing=missing)
    fitted = estimator.fit(x, y)
    rows = probes(thresholds(fitted), rows=ROWS, missing=0.1)
    score, account = difference(spark, fitted, rows, answer(fitted))
    assert score <= allowed
    assert account <= SUM


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "quantile", "poisson", "gamma"])
def test_every_loss_of_histogram_regression(spark: SparkSession, loss: str) -> None:
    x, y = training(missing=0.2)
    quantile = 0.8 if loss == "quantile" else None
    model = ensemble.HistGradientBoostingRegressor(loss=loss, quantile=quantile, max_iter=8, random_state=0)
    fitted = model.fit(x, y + 1.0)
    rows = probes(thresholds(fitted), rows=ROWS, missing=0.1, infinite=0.05)
    margin = (lambda r: np.log(fitted.predict(r))) if loss in ("poisson", "gamma") else fitted.predict
    score, account = difference(spark, fitted, rows, margin)
    assert score <= SUM
    assert account <= SUM


@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_histogram_classification(spark: SparkSession, missing: float) -> None:
    x, y = training(missing=missing)
    fitted = ensemble.HistGradientBoostingClassifier(max_iter=20, random_state=0).fit(x, y)
    rows = probes(thresholds(fitted), rows=ROWS, missing=0.1, infinite=0.05)
    score, account = difference(spark, fitted, rows, fitted.decision_function)
    assert score <= SUM
    assert account <= SUM


@pytest.mark.parametrize("categories", [12, 200])
def test_histogram_categories(spark: SparkSession, categories: int) -> None:
    rng = np.random.default_rng(1)
    x, y = training()
    places = rng.integers(categories, size=len(x))
    names = np.array([f"shop's {i}" for i in range(categories + 5)], dtype=object)
    frame = pd.DataFrame(x, columns=FEATURES).assign(code=places.astype(float), place=names[places])
    frame.loc[rng.random(len(x)) < 0.1, ["code", "place"]] = [np.nan, None]
    target = y + np.sin(places)
    model = ensemble.HistGradientBoostingRegressor(
        max_iter=8, categorical_features=["code", "place"], random_state=0
    )
    fitted = model.fit(frame, target)
    seen = rng.integers(categories + 5, size=ROWS)
    rows = pd.DataFrame(probes([], rows=ROWS, missing=0.1), columns=FEATURES)
    rows = rows.assign(code=seen.astype(float), place=names[rng.integers(categories + 5, size=ROWS)])
    rows.loc[rng.random(ROWS) < 0.1, "code"] = np.nan
    rows.loc[rng.random(ROWS) < 0.1, "place"] = None
    assert any(p.nodes["is_categorical"].any() for (p,) in fitted._predictors)
    score, account = difference(spark, fitted, rows, fitted.predict)
    assert score <= SUM
    assert account <= SUM


@pytest.mark.parametrize("loss", ["log_loss", "exponential"])
def test_gradient_boosting_classification(spark: SparkSession, loss: str) -> None:
    x, y = training()
    model = ensemble.GradientBoostingClassifier(
        loss=loss, n_estimators=8, max_depth=5, subsample=0.5, random_state=0
    )
    fitted = model.fit(x, y)
    rows = probes(thresholds(fitted), rows=ROWS)
    score, account = difference(spark, fitted, rows, fitted.decision_function)
    assert score <= SUM
    assert account <= SUM


@pytest.mark.parametrize("init", [None, "zero"])
def test_gradient_boosting_regression(spark: SparkSession, init: str | None) -> None:
    x, y = training()
    model = ensemble.GradientBoostingRegressor(loss="huber", init=init, n_estimators=8, random_state=0)
    fitted = model.fit(x, y + x[:, 0])
    score, account = difference(spark, fitted, probes(thresholds(fitted), rows=ROWS), fitted.predict)
    assert score <= SUM
    assert account <= SUM


def test_gradient_boosting_over_another_estimator(spark: SparkSession) -> None:
    x, y = training()
    start = ensemble.RandomForestClassifier(5, max_depth=4, random_state=0)
    fitted = ensemble.GradientBoostingClassifier(init=start, n_estimators=5, random_state=0).fit(x, y)
    score, _ = difference(spark, fitted, probes(thresholds(fitted), rows=ROWS))
    assert score <= SUM


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_isolation(spark: SparkSession, share: float) -> None:
    x, _ = training()
    fitted = ensemble.IsolationForest(n_estimators=8, max_features=share, random_state=0).fit(x)
    rows = probes(thresholds(fitted), rows=ROWS, missing=0.1, infinite=0.05)
    score, account = difference(
        spark,
        fitted,
        rows,
        margin=lambda r: np.log2(-fitted.score_samples(r)),
        expected=lambda r: -fitted.score_samples(r),
    )
    assert score <= SUM
    assert account <= SUM
