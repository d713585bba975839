"""Compiled trees against scikit-learn, on and beside their thresholds, with missing and infinite values."""

from typing import Any

import numpy as np
import pytest
from estimator_rows import difference, probes, training
from pyspark.sql import SparkSession
from scipy.special import logit
from sklearn import ensemble, tree
from sklearn.base import is_classifier

ONE_TREE = 1e-12
SUM = 1e-9
ROWS = 20_000


def thresholds(estimator: Any) -> list[float]:
    if hasattr(estimator, "_predictors"):
        nodes = [p.nodes for (p,) in estimator._predictors]
        found = np.concatenate([n["num_threshold"][n["is_leaf"] == 0] for n in nodes])
    else:
        members = np.ravel(getattr(estimator, "estimators_", [estimator]))
        found = np.concatenate([m.tree_.threshold[m.tree_.children_left >= 0] for m in members])
    return [float(t) for t in found[np.isfinite(found)]]


def answer(estimator: Any) -> Any:
    if is_classifier(estimator):
        return lambda x: estimator.predict_proba(x)[:, 1]
    return estimator.predict


@pytest.mark.parametrize("missing", [0.0, 0.2])
@pytest.mark.parametrize(
    ("estimator", "allowed"),
    [
        (tree.DecisionTreeClassifier(max_depth=8, random_state=0), ONE_TREE),
        (tree.DecisionTreeRegressor(max_depth=8, random_state=0), ONE_TREE),
        (ensemble.RandomForestClassifier(20, max_depth=8, class_weight="balanced", random_state=0), SUM),
        (ensemble.RandomForestRegressor(10, max_depth=6, random_state=0), SUM),
        (ensemble.ExtraTreesClassifier(10, max_depth=6, random_state=0), SUM),
        (ensemble.ExtraTreesRegressor(10, max_depth=6, random_state=0), SUM),
    ],
    ids=lambda v: type(v).__name__ if hasattr(v, "fit") else "",
)
def test_trees_and_forests(spark: SparkSession, estimator: Any, allowed: float, missing: float) -> None:
    x, y = training(missing=missing)
    fitted = estimator.fit(x, y)
    rows = probes(thresholds(fitted), rows=ROWS, missing=0.1)
    score, account = difference(spark, fitted, rows, answer(fitted), answer(fitted))
    assert score <= allowed
    assert account <= SUM


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "quantile", "poisson", "gamma"])
def test_every_loss_of_histogram_regression(spark: SparkSession, loss: str) -> None:
    x, y = training(missing=0.2)
    quantile = 0.8 if loss == "quantile" else None
    model = ensemble.HistGradientBoostingRegressor(loss=loss, quantile=quantile, max_iter=20, random_state=0)
    fitted = model.fit(x, y + 1.0)
    rows = probes(thresholds(fitted), rows=ROWS, missing=0.1, infinite=0.05)
    margin = (lambda r: np.log(fitted.predict(r))) if loss in ("poisson", "gamma") else fitted.predict
    score, account = difference(spark, fitted, rows, fitted.predict, margin)
    assert score <= SUM
    assert account <= SUM


@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_histogram_classification(spark: SparkSession, missing: float) -> None:
    x, y = training(missing=missing)
    fitted = ensemble.HistGradientBoostingClassifier(max_iter=40, random_state=0).fit(x, y)
    rows = probes(thresholds(fitted), rows=ROWS, missing=0.1, infinite=0.05)
    score, account = difference(spark, fitted, rows, answer(fitted), fitted.decision_function)
    assert score <= SUM
    assert account <= SUM
    assert np.isfinite(logit(fitted.predict_proba(rows)[:, 1])).all()
