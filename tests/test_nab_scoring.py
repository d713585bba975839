"""NAB's scoring against its own examples and against totals of its published results."""

import numpy as np
import pytest

from benchmarks.nab_scoring import PROFILES, Profile, Worth, countable, normalised, sweep, worth

STANDARD = PROFILES["standard"]
EVEN = Profile(1.0, 1.0, 1.0)


def whole(found: Worth) -> Worth:
    """Without probation, as NAB's own tests are."""
    return Worth(found.points, found.window, np.ones(len(found.points), dtype=bool))


def scores_at(*rows: int, of: int = 100) -> np.ndarray:
    found = np.zeros(of)
    found[list(rows)] = 1.0
    return found


def test_a_missed_window_a_found_one_and_a_false_alarm_as_in_nabs_own_test() -> None:
    # NAB's scorer_test, testScoringAllMetrics: two windows of 5 rows, detections at the start of one and past it.
    times = np.arange(100)
    series = {"a": whole(worth(times, [(33, 37), (71, 75)], EVEN))}
    total = sweep(series, {"a": scores_at(33, 34, 40)}, EVEN).at(0.5)
    assert total == pytest.approx(-0.9540, abs=5e-5)


def test_detections_inside_are_worth_something_and_those_outside_cost() -> None:
    found = worth(np.arange(100), [(30, 39), (75, 95)], STANDARD)
    inside = found.window >= 0
    assert inside.sum() == 31
    assert (found.points[inside] > 0).all()
    assert (found.points[~inside] < 0).all()
    assert found.points[30] == pytest.approx(1.0)
    assert found.points[0] == -0.11
    assert np.flatnonzero(~found.counts).tolist() == list(range(15))


def test_probation_is_a_share_of_at_most_five_thousand_rows() -> None:
    for rows, expected in ((100, 15), (5000, 750), (20_000, 750)):
        assert (~worth(np.arange(rows), [], STANDARD).counts).sum() == expected


def test_thresholds_go_down_and_a_window_counts_its_earliest_detection() -> None:
    points = np.array([-1000.0, -1000.0, -3.0, 20.0, 10.0, 5.0, -3.0])
    window = np.array([-1, -1, -1, 0, 0, 1, -1])
    series = Worth(points, window, np.array([False, False, True, True, True, True, True]))
    scores = np.array([0.5, 0.5, 0.0, 0.2, 0.3, 0.5, 0.5])
    found = sweep({"a": series}, {"a": scores}, Profile(1.0, 1.0, 5.0))
    assert found.thresholds.tolist() == [np.inf, 0.5, 0.3, 0.2, 0.0]
    assert found.totals.tolist() == [-10.0, -3.0, 12.0, 22.0, 19.0]
    assert found.best() == (0.2, 22.0)
    assert found.at(0.4) == -3.0


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES.keys())
def test_nothing_found_is_0_and_every_window_found_at_once_is_100(profile: Profile) -> None:
    series = {
        "a": worth(np.arange(200), [(60, 80), (120, 150)], profile),
        "b": worth(np.arange(100), [(50, 59)], profile),
    }
    silent = sweep(series, {"a": np.zeros(200), "b": np.zeros(100)}, profile).totals[0]
    perfect = sweep(series, {"a": scores_at(60, 120, of=200), "b": scores_at(50)}, profile).best()[1]
    assert normalised(silent, 3, countable(series), profile) == 0.0
    assert normalised(perfect, 3, countable(series), profile) == pytest.approx(100.0)


def test_published_totals_are_normalised_to_the_published_scores() -> None:
    # results/knncad/knncad_standard_scores.csv and results/final_results.json of NAB v1.1.
    assert normalised(18.54687659285237, 116, 116, STANDARD) == pytest.approx(57.99434335898808)
    assert normalised(-116.0, 116, 116, STANDARD) == 0.0
