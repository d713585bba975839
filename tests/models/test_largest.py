import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from models.estimators import compile_estimator
from models.largest import Largest

ROWS = np.array([[1.0, 2.0], [np.nan, -3.0], [np.nan, np.nan]])


def test_a_row_is_as_strange_as_its_largest_feature() -> None:
    assert (-Largest().fit(ROWS).score_samples(ROWS)).tolist() == [2.0, -3.0, 0.0]


def test_it_is_fitted_before_it_scores() -> None:
    with pytest.raises(NotFittedError):
        Largest().score_samples(ROWS)


def test_each_feature_is_its_own_reason() -> None:
    assert list(compile_estimator(Largest().fit(ROWS), ["a", "b"]).contributions) == ["a", "b"]
