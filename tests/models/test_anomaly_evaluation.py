import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.anomaly_evaluation import DAY_MS, Watched, Window, evaluate, trade_off, watched
from models.errors import RefuseSpecError

HOUR = 3_600_000


def machine(strange: list[float], *windows: tuple[int, int], name: str = "m") -> Watched:
    """A reading an hour; windows by the hour."""
    times = np.arange(len(strange), dtype=np.int64) * HOUR
    held = [Window(first * HOUR, last * HOUR) for first, last in windows]
    return watched(np.array([name] * len(strange), dtype=object), times, np.array(strange), {name: held})[0]


def test_a_window_is_found_by_its_first_alert_and_an_alarm_is_told_once() -> None:
    found = evaluate([machine([0, 1, 1, 0, 0, 1, 1, 1, 0, 1], (4, 7))], 0.5)
    assert [f.delay_ms for f in found.findings] == [HOUR]
    assert found.false_alarms == {"m": 2}
    assert found.detected == 1.0
    assert found.median_delay_ms == HOUR


def test_an_alarm_that_goes_on_into_a_window_finds_it_at_once() -> None:
    found = evaluate([machine([0, 0, 1, 1, 0], (3, 4))], 1.0)
    assert found.findings[0].delay_ms == 0
    assert found.false_alarms == {"m": 1}


def test_false_alarms_are_counted_per_day_outside_windows() -> None:
    strange = [1.0 if i % 24 == 0 else 0.0 for i in range(97)]
    found = evaluate([machine(strange, (24, 48))], 0.5)
    assert found.machine_days == 3.0
    assert found.false_per_machine_day == pytest.approx(3 / 3)


def test_nothing_to_find_and_nothing_outside_are_none() -> None:
    assert evaluate([machine([0, 1])], 0.5).detected is None
    everything = evaluate([machine([0, 0], (0, 1))], 0.5)
    assert everything.false_per_machine_day is None
    assert everything.median_delay_ms is None
    assert everything.detected == 0.0


def test_readings_in_any_order_and_windows_without_readings() -> None:
    windows = {"a": [Window(0, 5), Window(90, 99)], "gone": [Window(0, 1)]}
    names = np.array(["b", "a", "a", "b"], dtype=object)
    a, b = watched(names, np.array([7, 3, 2, 6]), np.array([0.7, 0.3, 0.2, 0.6]), windows)
    assert (a.machine, a.times.tolist(), a.strangeness.tolist()) == ("a", [2, 3], [0.2, 0.3])
    assert a.windows == [Window(0, 5)]
    assert (b.machine, b.strangeness.tolist(), b.windows) == ("b", [0.6, 0.7], [])


def test_a_window_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(RefuseSpecError, match="before it starts"):
        Window(2, 1)


@given(st.lists(st.floats(0, 1), min_size=20, max_size=60), st.integers(0, 10), st.integers(0, 9))
def test_a_lower_threshold_finds_no_less(strange: list[float], start: int, length: int) -> None:
    points = trade_off([machine(strange, (start, start + length))])
    thresholds = [p.threshold for p in points]
    assert thresholds == sorted(thresholds, reverse=True)
    detected = [p.detected or 0.0 for p in points]
    assert detected == sorted(detected)
    assert all(p.machine_days == points[0].machine_days <= len(strange) * HOUR / DAY_MS for p in points)
