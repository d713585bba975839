import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import RefuseSpecError
from models.windows import HISTORY_HALF_LIVES, RANGE_HALF_LIVES, landmark_windows

HOUR = 3_600_000
half_lives = st.frozensets(
    st.integers(min_value=1, max_value=1000).map(lambda h: h * HOUR), min_size=1, max_size=4
)


@given(half_lives, st.integers(min_value=0, max_value=4_102_444_800_000))
def test_exactly_one_copy_of_an_event_has_enough_history(lives: frozenset[int], time: int) -> None:
    try:
        windows = landmark_windows(lives)
    except RefuseSpecError:
        return
    starts = range(time // windows.stride_ms * windows.stride_ms, -windows.length_ms, -windows.stride_ms)
    holding = [s for s in starts if s <= time < s + windows.length_ms]
    kept = [s for s in holding if time - s >= windows.overlap_ms]
    assert kept == [windows.start(time)]


@given(half_lives)
def test_windows_keep_history_and_fit_a_double(lives: frozenset[int]) -> None:
    try:
        windows = landmark_windows(lives)
    except RefuseSpecError:
        assert 2 * HISTORY_HALF_LIVES * max(lives) > RANGE_HALF_LIVES * min(lives) - HOUR
        return
    assert windows.overlap_ms >= HISTORY_HALF_LIVES * max(lives)
    assert windows.length_ms <= RANGE_HALF_LIVES * min(lives)


def test_half_lives_too_far_apart_are_refused_with_what_would_fit() -> None:
    with pytest.raises(
        RefuseSpecError,
        match=r"with 1 h the longest may be 56.25 h, with 1000 h the shortest may be 17.7778 h",
    ):
        landmark_windows(frozenset({HOUR, 1000 * HOUR}))


def test_other_history_and_slopes_bound_the_windows_too() -> None:
    assert landmark_windows(frozenset({HOUR}), history_ms=100 * HOUR).overlap_ms == 100 * HOUR
    windows = landmark_windows(frozenset({HOUR, 2 * HOUR}), slopes_ms=frozenset({HOUR}))
    assert windows.length_ms <= 100 * HOUR
    with pytest.raises(RefuseSpecError, match=r"a slope's shortest may be 2.4 h"):
        landmark_windows(frozenset({HOUR, 15 * HOUR}), slopes_ms=frozenset({HOUR}))
    with pytest.raises(RefuseSpecError, match=r"with 1 h the history may be 450 h"):
        landmark_windows(frozenset({HOUR}), history_ms=500 * HOUR)


def test_half_lives_of_seconds_get_windows_of_minutes() -> None:
    windows = landmark_windows(frozenset([7_000]))
    assert (windows.overlap_ms, windows.stride_ms) == (60_000, 3_600_000)
    narrow = landmark_windows(frozenset([1_000]))
    assert (narrow.overlap_ms, narrow.length_ms) == (60_000, 15 * 60_000)
