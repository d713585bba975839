import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.evaluation import (
    DAY_MS,
    Costs,
    Outcomes,
    alerts,
    average_precision,
    calibration,
    card_precision,
    evaluate,
    money,
    not_known,
    roc_auc,
)

HOUR = 3_600_000


def outcomes(*rows: tuple[str, float, float, int, float]) -> Outcomes:
    """Make outcomes of (card, day, amount, fraud, score)."""
    card, day, amount, fraud, score = zip(*rows, strict=True)
    return Outcomes(
        np.array(card, dtype=object),
        np.array([round(d * DAY_MS) for d in day]),
        np.array(amount),
        np.array(fraud, dtype=bool),
        np.array(score),
    )


TWO_DAYS = outcomes(
    ("a", 0.1, 10, 0, 0.2),
    ("a", 0.5, 90, 1, 0.9),
    ("b", 0.6, 20, 0, 0.8),
    ("c", 0.7, 30, 1, 0.1),
    ("a", 1.1, 70, 1, 0.9),
    ("b", 1.2, 20, 0, 0.3),
    ("c", 1.3, 40, 1, 0.4),
)


def test_ranking_by_hand() -> None:
    fraud = np.array([True, False, True, False])
    score = np.array([0.9, 0.8, 0.8, 0.1])
    assert roc_auc(fraud, score) == (1 + 1 + 0.5 + 1) / 4
    assert average_precision(fraud, score) == 0.5 * 1 + 0.5 * 2 / 3


def test_a_card_that_was_found_is_out_on_later_days() -> None:
    assert card_precision(TWO_DAYS, TWO_DAYS.score, 1) == (1 + 1) / 2
    assert card_precision(TWO_DAYS, TWO_DAYS.score, 2) == (1 / 2 + 1 / 2) / 2


def test_a_card_is_as_suspicious_as_its_highest_score_and_as_guilty_as_its_worst_event() -> None:
    day = outcomes(("a", 0.1, 1, 1, 0.1), ("a", 0.2, 1, 0, 0.9), ("b", 0.3, 1, 0, 0.5))
    assert card_precision(day, day.score, 1) == 1


def test_the_share_is_of_k_where_a_day_has_fewer_cards() -> None:
    assert card_precision(TWO_DAYS, TWO_DAYS.fraud.astype(float), 100) == pytest.approx(0.01)


def test_a_card_is_known_from_the_first_day_after_its_fraud_came_out() -> None:
    card = np.array(["a", "a", "a", "b"], dtype=object)
    time = np.array([7 * DAY_MS + 23 * HOUR, 8 * DAY_MS, 9 * DAY_MS, 9 * DAY_MS])
    assert not_known(card, time, {"a": 12 * HOUR}, 7 * DAY_MS).tolist() == [True, False, False, True]


def test_calibration_by_hand() -> None:
    found = calibration(np.array([True, False, False, True]), np.array([0.95, 0.35, 0.31, 1.0]))
    assert found.brier == pytest.approx((0.05**2 + 0.35**2 + 0.31**2) / 4)
    low, high = found.reliability
    assert (low.low, low.high, low.events, low.fraud_share) == (0.3, 0.4, 2, 0)
    assert (high.low, high.high, high.events, high.fraud_share) == (0.9, 1.0, 2, 1)
    assert low.mean_score == pytest.approx(0.33)


def test_alerts_by_hand() -> None:
    found = alerts(TWO_DAYS, 0.4)
    assert found.per_day == [2, 2]
    assert found.precision == 3 / 4
    assert found.recall == 3 / 4


def test_without_an_alert_there_is_no_precision() -> None:
    assert alerts(TWO_DAYS, 2.0).precision is None
    assert alerts(TWO_DAYS, 2.0).recall == 0


def test_money_by_hand() -> None:
    found = money(TWO_DAYS, 0.4, Costs(missed_fraud=2, review=1, false_decline=5))
    assert (found.missed_frauds, found.reviews, found.false_declines) == (60, 4, 5)
    assert (found.total, found.without_model, found.saved) == (69, 460, 391)


def test_a_perfect_detector_is_the_best() -> None:
    found = evaluate(TWO_DAYS, 0.5, costs=Costs(), top=2)
    assert found.best_card_precision == 1 / 2
    assert evaluate(TWO_DAYS, 0.5, costs=Costs(), probability=False).calibration is None


events = st.lists(
    st.tuples(
        st.sampled_from("abcd"),
        st.floats(0, 3, exclude_max=True),
        st.floats(0, 100),
        st.integers(0, 1),
        st.floats(0, 1),
    ),
    min_size=1,
    max_size=40,
)


@given(events, st.floats(0, 1))
def test_every_event_is_in_one_bin_and_alerts_cost_what_they_cost(
    rows: list[tuple[str, float, float, int, float]], threshold: float
) -> None:
    some = outcomes(*rows)
    assert sum(b.events for b in calibration(some.fraud, some.score).reliability) == len(rows)
    cost = money(some, threshold, Costs(missed_fraud=1, review=0, false_decline=0))
    caught = sum(amount for _, _, amount, fraud, score in rows if fraud and score >= threshold)
    assert math.isclose(cost.saved, caught, abs_tol=1e-6)


@given(events, st.integers(1, 5))
def test_no_detector_finds_more_cards_in_a_day_than_are_compromised(
    rows: list[tuple[str, float, float, int, float]], top: int
) -> None:
    some = outcomes(*rows)
    compromised = {(card, int(day)) for card, day, _, fraud, _ in rows if fraud}
    days = {int(day) for _, day, _, _, _ in rows}
    assert 0 <= card_precision(some, some.score, top) <= len(compromised) / top / len(days) + 1e-12
