"""The process monitor: what it finds strange, whom it blames, and what it refuses."""

import numpy as np
import numpy.typing as npt
import pytest

from models.estimators import compile_estimator
from models.monitoring import ProcessMonitor

SENSORS = 12


def process(rows: int, seed: int) -> npt.NDArray[np.float64]:
    """Return sensors of one process: three things drive all of them."""
    rng = np.random.default_rng(seed)
    drives = np.random.default_rng(0).normal(size=(3, SENSORS))
    return 50 + rng.normal(size=(rows, 3)) @ drives + 0.3 * rng.normal(size=(rows, SENSORS))


@pytest.fixture
def fitted() -> ProcessMonitor:
    return ProcessMonitor(3, alpha=0.01).fit(process(600, 1))


def test_the_limit_holds_for_the_share_of_normal_rows_that_was_asked_for(fitted: ProcessMonitor) -> None:
    alarms = float((fitted.predict(process(20_000, 2)) == -1).mean())
    assert 0.002 < alarms < 0.02


def test_it_finds_a_sensor_that_leaves_the_others(fitted: ProcessMonitor) -> None:
    rows = process(200, 3)
    rows[:, 4] += 5.0
    t2, spe = fitted.statistics(rows)
    assert (spe >= 1).mean() > 0.99
    assert np.median(t2) < 1
    assert (fitted.contributions(rows).argmax(axis=1) == 4).mean() > 0.95


def test_it_finds_sensors_that_go_together_further_than_usual(fitted: ProcessMonitor) -> None:
    rows = process(200, 3)
    rows += 20 * fitted.plane_.components[0] * fitted.plane_.scale
    t2, spe = fitted.statistics(rows)
    assert (t2 >= 1).mean() > 0.99
    assert np.median(spe) < 1


def test_contributions_add_up_to_the_score(fitted: ProcessMonitor) -> None:
    rows = process(300, 4)
    rows[:100, 2] += 4.0
    rows[50:150] += 12 * fitted.plane_.components[0] * fitted.plane_.scale
    added = fitted.contributions(rows)
    assert (added >= 0).all()
    np.testing.assert_allclose(added.sum(axis=1), -fitted.score_samples(rows), rtol=1e-12)


def test_a_missing_sensor_contributes_nothing(fitted: ProcessMonitor) -> None:
    rows = process(5, 5)
    missing, usual = rows.copy(), rows.copy()
    missing[:, 3], usual[:, 3] = np.nan, fitted.plane_.mean[3]
    assert fitted.score_samples(missing).tolist() == fitted.score_samples(usual).tolist()
    assert (fitted.score_samples(np.full((1, SENSORS), np.nan)) == 0).all()


def test_it_learns_from_rows_with_gaps() -> None:
    rows = process(600, 1)
    rows[np.random.default_rng(6).random(rows.shape) < 0.05] = np.nan
    normal = process(5_000, 2)
    assert (ProcessMonitor(0.9).fit(rows).predict(normal) == -1).mean() < 0.03


def test_a_sensor_that_never_varied_is_left_out() -> None:
    rows = process(600, 1)
    rows[:, 7] = 0.1
    fitted = ProcessMonitor(0.9).fit(rows)
    moved = rows.copy()
    moved[:, 7] = 1e6
    assert fitted.score_samples(moved).tolist() == fitted.score_samples(rows).tolist()
    assert "s7" not in compile_estimator(fitted, [f"s{i}" for i in range(SENSORS)]).contributions


def test_a_share_of_the_variance(fitted: ProcessMonitor) -> None:
    explained = fitted.plane_.variances.sum() / SENSORS
    assert len(ProcessMonitor(explained - 0.001).fit(process(600, 1)).plane_.components) == 3
    assert len(ProcessMonitor(explained + 0.001).fit(process(600, 1)).plane_.components) == 4


@pytest.mark.parametrize(
    ("monitor", "rows", "why"),
    [
        (ProcessMonitor(1.0), process(100, 1), "a share between 0 and 1 or a number from 1, not 1.0"),
        (ProcessMonitor(0), process(100, 1), "a number from 1, not 0"),
        (ProcessMonitor(alpha=0.0), process(100, 1), "alpha lies between 0 and 1, not 0.0"),
        (ProcessMonitor(folds=1), process(100, 1), "folds is at least 2, not 1"),
        (ProcessMonitor(4), process(6, 1), "6 rows in 5 folds are too few for 4 components"),
        (ProcessMonitor(12), process(100, 1), "at most 11 can be taken"),
        (ProcessMonitor(), np.ones((100, 3)), "at most 0 can be taken"),
        (ProcessMonitor(), process(100, 1)[:, :1], "more features that vary"),
        (ProcessMonitor(), np.full((100, 3), np.inf), "infinity"),
    ],
)
def test_what_can_not_be_learned_is_refused(
    monitor: ProcessMonitor, rows: npt.NDArray[np.float64], why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        monitor.fit(rows)
