"""Intervals of one session do not keep ending together, and none is longer than what was asked for."""

from itertools import combinations, pairwise

from hypothesis import given
from hypothesis import strategies as st

from processing.pace import LENGTHS, PARTS, SHORTEST_MS, Pace, length_ms

NAMES = st.lists(st.text(min_size=1), min_size=1, max_size=30)


@given(st.integers(5, 3_600), NAMES, st.integers(1, 30))
def test_a_query_keeps_its_length_and_none_is_longer_than_asked_or_shorter_than_spark_allows(
    interval_s: int, names: list[str], together: int
) -> None:
    pace = Pace(interval_s, together)
    lengths = [pace.of(name) for name in names]
    assert lengths == [pace.of(name) for name in names]
    assert Pace(interval_s).of(names[0]) == interval_s * 1_000
    assert all(SHORTEST_MS <= length <= interval_s * 1_000 for length in lengths)
    assert interval_s < 60 or len(set(lengths)) == min(LENGTHS, len(set(names)))


@given(st.integers(120, 600), st.integers(500, 2_000))
def test_two_queries_that_start_together_seldom_pause_together(interval_s: int, pause_ms: int) -> None:
    ends = 200
    for one, other in combinations(range(4), 2):
        first, second = (
            {n * (length_ms(interval_s * 1_000, place) + pause_ms) // pause_ms for n in range(1, ends + 1)}
            for place in (one, other)
        )
        assert len(first & second) <= ends // 20


@given(st.integers(60, 600), st.integers(2, LENGTHS), st.integers(0, 6_000))
def test_however_long_a_start_takes_queries_that_start_one_after_another_do_not_end_their_first_interval_together(
    interval_s: int, together: int, start_ms: int
) -> None:
    pace = Pace(interval_s, together)
    ends = [number * start_ms + pace.of(f"q{number}") for number in range(together)]
    assert ends[-1] == (together - 1) * start_ms + interval_s * 1_000
    assert all(later - earlier >= start_ms + interval_s * 1_000 // PARTS for earlier, later in pairwise(ends))
