import numpy as np
import pytest

from models.errors import RefuseSpecError
from models.labels import HOUR_MS, RunToFailure, lives


def test_a_life_ends_with_the_last_reading_of_the_machine_in_any_order() -> None:
    machine = np.array(["a", "b", "a", "b", "a"], dtype=object)
    time = np.array([5, 7, 2, 9, 3]) * HOUR_MS
    assert lives(machine, time).tolist() == [0, 2, 3, 0, 2]


def test_no_readings_have_no_lives() -> None:
    assert lives(np.array([], dtype=object), np.array([], dtype=np.int64)).tolist() == []


def test_targets_are_cut_to_the_cap() -> None:
    hours = np.array([0.0, 99.5, 200.0])
    assert RunToFailure(cap_hours=100).target(hours).tolist() == [0, 99.5, 100]
    assert RunToFailure().target(hours).tolist() == hours.tolist()


@pytest.mark.parametrize("cap", [0, -1, float("inf"), float("nan")])
def test_a_cap_that_is_none_is_refused(cap: float) -> None:
    with pytest.raises(RefuseSpecError, match="cap_hours"):
        RunToFailure(cap_hours=cap)
