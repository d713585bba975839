"""Levels: a slope is found within lives, whatever the level of each; the first minute of a process does not count.

What warms up and is level then has no slope in the later half of its life.
"""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.bootstrap import drill_levels
from pipeline.drill import levels
from pipeline.drill.levels import GROWN_UP_S, Level

BASES = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=4)


@given(bases=BASES, per_h=st.floats(-1e3, 1e3), count=st.integers(2, 9))
def test_the_slope_is_that_within_lives(bases: list[float], per_h: float, count: int) -> None:
    known = [
        Level(1_000 * life + 10.0 * n, "query", life, {"files": base + per_h * n / 360})
        for life, base in enumerate(bases, 1)
        for n in range(count)
    ]
    assert levels.slope_per_h(known, "files") == pytest.approx(per_h, abs=1e-5)


def test_one_moment_a_life_has_no_slope() -> None:
    assert (
        levels.slope_per_h([Level(0, "q", 1, {"files": 1}), Level(9, "q", 2, {"files": 5})], "files") is None
    )


def test_a_process_counts_from_its_second_minute_and_a_folder_from_the_beginning() -> None:
    young = [Level(t, "writer", 7, {"memory_mb": 500.0 - t}) for t in (0.0, 30.0)]
    grown = [Level(t, "writer", 7, {"memory_mb": 100.0}) for t in (GROWN_UP_S, 90.0)]
    folder = [Level(t, "logs", 0, {"disk_mb": t}) for t in (0.0, 36.0)]
    known = [*young, *grown, *folder]
    assert levels.grown_up(known) == [*grown, *folder]
    lines = list(levels.table(known))
    assert lines[1].split() == ["writer", "1", "100", "(+0.0;", "?)"]
    assert lines[2].split() == ["logs", "18", "(+3,600.0;", "?)"]


@given(warm=st.integers(2, 20), more=st.floats(1, 50), lives=st.integers(1, 3))
def test_what_warms_up_is_level_in_the_later_half_of_each_life(warm: int, more: float, lives: int) -> None:
    known = [
        Level(10_000 * life + 10.0 * n, "query", life, {"memory_mb": 100 + more * min(n, warm)})
        for life in range(1, lives + 1)
        for n in range(2 * warm + 1)
    ]
    assert levels.slope_per_h(known, "memory_mb") > 0
    assert levels.slope_per_h(levels.later(known), "memory_mb") == pytest.approx(0, abs=1e-6)


def test_the_course_has_the_median_of_each_tenth_and_gaps_where_nothing_was_noted() -> None:
    known = [Level(t, "logs", 0, {"disk_mb": t}) for t in (*range(10), 50, 100)]
    assert levels.course(known, "disk_mb") == [4.5, *[None] * 4, 50, *[None] * 3, 100]
    assert levels.course(known[:1], "disk_mb") == [0, *[None] * 9]


def test_the_levels_of_a_process_are_measured() -> None:
    found = drill_levels.of_process(os.getpid())
    assert found is not None
    assert found["memory_mb"] > 10
    assert found["threads"] >= 1
    assert found["files"] >= 3
    assert drill_levels.of_process(2**22 + 1) is None
