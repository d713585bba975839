import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import RefuseSpecError
from models.thresholds import DAY_MS, AlertBelow, AlertBudget, AlertShare, FixedThreshold

SCORES = np.array([0.1, 0.9, 0.5, 0.5, 0.7])


def test_a_fixed_threshold_is_itself() -> None:
    assert FixedThreshold(0.8).of(SCORES, DAY_MS) == 0.8


def test_little_of_a_good_thing_is_an_alert() -> None:
    assert AlertBelow(48.0).of(SCORES, DAY_MS) == 48.0
    with pytest.raises(RefuseSpecError, match="finite"):
        AlertBelow(math.nan)


def test_a_budget_alerts_so_often_a_day() -> None:
    assert AlertBudget(2).of(SCORES, DAY_MS) == 0.7
    assert AlertBudget(1).of(SCORES, 2 * DAY_MS) == 0.7
    assert AlertBudget(100).of(SCORES, DAY_MS) == 0.1


def test_scores_that_tie_beyond_the_budget_are_left_out() -> None:
    assert AlertBudget(3).of(SCORES, DAY_MS) == 0.7
    assert AlertShare(0.2).of(np.full(10, 0.4), DAY_MS) > 0.4


def test_a_share_is_exact_where_rounding_is_not() -> None:
    scores = np.arange(100.0)
    assert (scores >= AlertShare(0.29).of(scores, 0)).sum() == 29


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50), st.floats(0.01, 0.99))
def test_a_share_is_never_exceeded(scores: list[float], share: float) -> None:
    values = np.array(scores)
    assert (values >= AlertShare(share).of(values, 0)).sum() <= share * len(scores) + 1e-6


@pytest.mark.parametrize("wrong", [0, -1, math.inf, math.nan])
def test_a_budget_is_a_number_above_0(wrong: float) -> None:
    with pytest.raises(RefuseSpecError, match="above 0"):
        AlertBudget(wrong)


@pytest.mark.parametrize("wrong", [math.inf, math.nan])
def test_a_fixed_threshold_is_finite(wrong: float) -> None:
    with pytest.raises(RefuseSpecError, match="finite"):
        FixedThreshold(wrong)
