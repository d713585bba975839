"""Fitting and compiling without Spark: what is refused, and what a score means."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, IsolationForest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from models.events import Transaction
from models.expressions import field
from models.features import Entity, Feature, row
from models.spec import FixedThreshold, LateLabel, ModelSpec
from processing.errors import RefuseTrainingError
from processing.fitting import fit
from processing.own_scores import own_scores

AMOUNT = [row("amount", field("amount"))]
WITH_NULL = [*AMOUNT, Entity("card").recent(2).previous("before", field("amount"))]


def spec(estimator: Callable[[], Any], features: list[Feature]) -> ModelSpec:
    return ModelSpec("m", "1", Transaction, features, estimator, FixedThreshold(0.5), LateLabel(0))


def rows(count: int = 40) -> pd.DataFrame:
    amount = np.arange(count, dtype=float)
    return pd.DataFrame({"amount": amount, "before": amount + 1, "verdict": amount > count / 2})


def test_a_declared_null_is_refused_for_an_estimator_that_takes_none_even_where_the_data_has_none() -> None:
    with pytest.raises(RefuseTrainingError, match=r"before may be null.*put a SimpleImputer in front"):
        fit(spec(lambda: make_pipeline(StandardScaler(), LogisticRegression()), WITH_NULL), rows())


def test_a_null_in_the_data_is_refused_too() -> None:
    found = rows()
    found.loc[3, "amount"] = np.nan
    with pytest.raises(RefuseTrainingError, match="amount may be null"):
        fit(spec(LogisticRegression, AMOUNT), found)


@pytest.mark.parametrize(
    "estimator",
    [
        lambda: make_pipeline(SimpleImputer(), LogisticRegression()),
        lambda: HistGradientBoostingClassifier(max_iter=3, early_stopping=False),
    ],
)
def test_nulls_are_welcome_where_the_estimator_takes_them(estimator: Callable[[], Any]) -> None:
    fitted = fit(spec(estimator, WITH_NULL), rows())
    assert fitted.nullable == ["before"]
    assert fitted.probability


def test_one_class_can_not_train_a_classifier() -> None:
    found = rows().assign(verdict=False)
    with pytest.raises(RefuseTrainingError, match="one class only"):
        fit(spec(LogisticRegression, AMOUNT), found)


def test_what_the_estimator_refuses_is_told_in_its_words() -> None:
    with pytest.raises(RefuseTrainingError, match=r"LogisticRegression can't be fitted.*tol"):
        fit(spec(lambda: LogisticRegression(tol=-1.0), AMOUNT), rows())


def test_a_regressor_predicts_and_a_detector_says_how_strange() -> None:
    found = rows()
    assert not fit(spec(Ridge, AMOUNT), found).probability
    detector = IsolationForest(n_estimators=5, random_state=0).fit(found[["amount"]])
    scores = own_scores(detector, pd.DataFrame({"amount": [20.0, 1000.0]}))
    assert 0 < scores[0] < scores[1]
