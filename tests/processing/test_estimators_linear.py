"""Compiled linear models and transformers against scikit-learn."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from estimator_rows import FEATURES, difference, native, probes, training
from pyspark.sql import SparkSession
from sklearn import linear_model
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)

from models.estimators import compile_estimator

SUM = 1e-9
ROWS = 6_000


@pytest.mark.parametrize(
    "estimator",
    [
        linear_model.LogisticRegression(max_iter=500),
        linear_model.LinearRegression(),
        linear_model.Ridge(fit_intercept=False),
        linear_model.Lasso(0.01),
    ],
    ids=lambda e: type(e).__name__,
)
def test_linear(spark: SparkSession, estimator: Any) -> None:
    x, y = training()
    fitted = estimator.fit(x, y)
    margin = getattr(fitted, "decision_function", fitted.predict)
    score, account = difference(spark, fitted, probes([], rows=ROWS), margin)
    assert score <= SUM
    assert account <= SUM


def test_contributions_are_measured_from_the_training_mean(spark: SparkSession) -> None:
    x, y = training()
    x = x + 3.0
    fitted = make_pipeline(RobustScaler(), linear_model.LogisticRegression(max_iter=500)).fit(x, y)
    mean = pd.DataFrame(x.mean(axis=0)[None, :], columns=FEATURES)
    compiled = compile_estimator(fitted, FEATURES, background=x)
    assert np.abs(native(spark, compiled, mean).filter(like="push_")).max(axis=None) <= SUM


@pytest.mark.parametrize(
    "steps",
    [
        [StandardScaler()],
        [StandardScaler(with_mean=False), StandardScaler(with_std=False)],
        [MinMaxScaler((-1, 2))],
        [MinMaxScaler(clip=True)],
        [RobustScaler()],
        [RobustScaler(with_centering=False), RobustScaler(with_scaling=False)],
        [StandardScaler(), PCA(4)],
        [RobustScaler(), PCA(5, whiten=True), StandardScaler(), "passthrough"],
    ],
    ids=lambda steps: "-".join(type(s).__name__ for s in steps),
)
def test_transformers(spark: SparkSession, steps: list[Any]) -> None:
    x, y = training()
    named = [(str(i), step) for i, step in enumerate(steps)]
    fitted = Pipeline([*named, ("last", linear_model.LogisticRegression(max_iter=500))]).fit(x, y)
    score, account = difference(spark, fitted, probes([], rows=ROWS), fitted.decision_function, background=x)
    assert score <= SUM
    assert account <= SUM


@pytest.mark.parametrize("indicator", [False, True])
@pytest.mark.parametrize("strategy", ["mean", "median", "most_frequent", "constant"])
def test_imputing(spark: SparkSession, strategy: str, indicator: bool) -> None:  # noqa: FBT001 - a parameter of the test
    x, y = training(missing=0.2)
    imputer = SimpleImputer(strategy=strategy, add_indicator=indicator)
    fitted = make_pipeline(imputer, StandardScaler(), linear_model.LogisticRegression(max_iter=500)).fit(x, y)
    rows = probes([], rows=ROWS, missing=0.2)
    score, account = difference(spark, fitted, rows, fitted.decision_function)
    assert score <= SUM
    assert account <= SUM


def table(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(rows, 4)), columns=["amount", "age", "speed", "spare"])
    places = np.array(["shop", "o'clock", "back\\slash", "web", None], dtype=object)
    frame["place"] = rng.choice(places, rows)
    frame["weekday"] = rng.integers(7, size=rows).astype(float)
    frame.loc[rng.random(rows) < 0.1, "weekday"] = np.nan
    frame.loc[rng.random(rows) < 0.1, "age"] = np.nan
    return frame


def labels(frame: pd.DataFrame) -> Any:
    odds = frame.amount + (frame.place == "web") + frame.weekday.fillna(3) / 7 - 1
    return (odds + np.random.default_rng(0).normal(size=len(frame)) > 0).astype(int)


def encoders(**options: Any) -> ColumnTransformer:
    return ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["amount", "age"]),
            ("text", OneHotEncoder(handle_unknown="ignore", **options), ["place"]),
            ("codes", OneHotEncoder(handle_unknown="ignore", **options), [5]),
            ("none", "drop", slice(3, 4)),
        ],
        remainder="passthrough",
    )


@pytest.mark.parametrize("options", [{}, {"drop": "first"}])
@pytest.mark.filterwarnings("ignore:Found unknown categories")
def test_columns_and_one_hot(spark: SparkSession, options: dict[str, Any]) -> None:
    frame = table(3000, 1)
    fitted = make_pipeline(encoders(**options), linear_model.LogisticRegression(max_iter=500)).fit(
        frame, labels(frame)
    )
    rows = table(ROWS, 2)
    rows.loc[::7, "place"] = "elsewhere"
    rows.loc[::5, "weekday"] = 8.0
    score, account = difference(spark, fitted, rows, fitted.decision_function, background=frame)
    assert score <= SUM
    assert account <= SUM


def test_ordinal_codes_before_trees(spark: SparkSession) -> None:
    frame = table(3000, 1)
    coded = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2)
    columns = ColumnTransformer(
        [("text", coded, make_column_selector(dtype_include=object)), ("codes", coded, ["weekday"])],
        remainder=MinMaxScaler(),
    )
    model = HistGradientBoostingClassifier(max_iter=20, categorical_features=None)
    fitted = make_pipeline(columns, model).fit(frame, labels(frame))
    rows = table(ROWS, 2)
    rows.loc[::7, "place"] = "elsewhere"
    rows.loc[::5, "weekday"] = 8.0
    score, account = difference(spark, fitted, rows, fitted.decision_function)
    assert score <= SUM
    assert account <= SUM
