import math

import numpy as np
import pytest

from models.life_evaluation import Lives, asymmetric, evaluate, first_alerts


def told(
    machine: list[str],
    life: list[float],
    estimate: list[float],
    bounds: tuple[list[float], list[float]] | None = None,
) -> Lives:
    missing = [math.nan] * len(life)
    lower, upper = bounds or (missing, missing)
    return Lives(
        np.array(machine, dtype=object), *(np.array(values) for values in (life, estimate, lower, upper))
    )


def test_errors_and_their_asymmetric_score() -> None:
    found = evaluate(told(["a", "b"], [10, 140], [20, 127]))
    assert found.rmse == pytest.approx(math.sqrt((10**2 + 13**2) / 2))
    assert found.rmse_clipped == pytest.approx(math.sqrt((10**2 + 2**2) / 2))
    assert found.bias == pytest.approx(-1.5)
    assert found.score == pytest.approx(2 * (math.e - 1))
    assert (found.coverage, found.width) == (None, None)


def test_a_late_estimate_costs_more() -> None:
    early, late, right = asymmetric(np.array([-20.0, 20.0, 0.0]))
    assert late > early > right == 0


def test_every_machine_counts_the_same() -> None:
    found = evaluate(told(["a", "a", "a", "b"], [10, 10, 10, 10], [10, 10, 10, 30]))
    assert found.rmse == pytest.approx(math.sqrt(20**2 / 2))
    assert found.score == pytest.approx(math.e**2 - 1)
    assert (found.machines, found.readings) == (2, 4)


def test_coverage_has_its_sides() -> None:
    bounds = ([5.0, 5, 5, 5], [10.0, 10, 10, 15])
    found = evaluate(told(["a", "b", "c", "d"], [4, 5, 10, 11], [7, 7, 7, 7], bounds))
    assert (found.coverage, found.below, found.above) == (0.75, 0.25, 0)
    assert found.width == 5


def test_the_first_alert_of_a_machine_is_the_one_with_most_life_left() -> None:
    machine = np.array(["a", "a", "a", "b", "b", "c"], dtype=object)
    life = np.array([50.0, 30, 0, 20, 0, 0])
    score = np.array([40.0, 24, 3, 30, 20, 90])
    found = first_alerts(machine, life, score, 24.0)
    assert (found.machines, found.warned, found.in_time) == (3, 2, 1)
    assert (found.earliest, found.median, found.latest) == (30, 15, 0)


def test_no_alert_has_no_time() -> None:
    found = first_alerts(np.array(["a"], dtype=object), np.array([3.0]), np.array([30.0]), 24.0)
    assert (found.warned, found.median) == (0, None)
