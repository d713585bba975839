"""What the queries have done survives their restarts, and adds up once."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pipeline import progress
from processing.progress import Interval


def interval(batch: int, *, dropped: int = 0, read: int = 0, query: str = "fraud-1") -> Interval:
    return Interval(query, batch, "2026-01-01T00:00:00Z", 5, {"transactions": {0: read}}, dropped, {})


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 3)), max_size=12))
def test_late_rows_add_up_over_intervals_and_a_repeated_one_counts_once(steps: list[tuple[int, int]]) -> None:
    kept: dict[str, progress.Kept] = {}
    for batch, (dropped, repeats) in enumerate(steps):
        for _ in range(repeats):
            kept = progress.after(kept, interval(batch, dropped=dropped))
    total = sum(k.dropped_late for k in kept.values())
    assert total == sum(dropped for dropped, _ in steps)


def test_progress_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    assert progress.read(tmp_path / "none") == {}
    kept = progress.after({}, interval(3, dropped=2, read=17))
    progress.write(tmp_path / "run", kept)
    assert progress.read(tmp_path / "run") == kept


def test_nothing_is_done_before_every_query_that_scores_has_committed() -> None:
    kept = progress.after({}, interval(1, read=20, query="rejects"))
    assert progress.done(kept, ["fraud-1"]) == {}
    kept = progress.after(kept, interval(0, read=12))
    assert progress.done(kept, ["fraud-1"]) == {("transactions", 0): 12}


def test_the_lag_is_that_of_the_query_with_the_most_to_do() -> None:
    ends = {"transactions": {0: 20}, "labels": {0: 5}}
    assert progress.lag({}, ends) == 25
    kept = progress.after({}, interval(1, read=20))
    kept = progress.after(kept, interval(1, read=12, query="rejects"))
    assert progress.lag(kept, ends) == 8


def test_a_query_that_takes_anothers_place_keeps_what_was_dropped(tmp_path: Path) -> None:
    progress.write(tmp_path, progress.after({}, interval(3, dropped=2, read=17)))
    progress.move(tmp_path, "fraud-1", "fraud-2")
    (name, kept), *none = progress.read(tmp_path).items()
    assert (name, kept.dropped_late, kept.read, none) == ("fraud-2", 2, {"transactions": {0: 17}}, [])
    progress.move(tmp_path, "never", "fraud-3")
    assert set(progress.read(tmp_path)) == {"fraud-2"}
    again = progress.after(progress.read(tmp_path), interval(0, dropped=1, query="fraud-2"))
    assert again["fraud-2"].dropped_late == 3


def test_a_query_that_no_longer_runs_is_forgotten(tmp_path: Path) -> None:
    both = progress.after(progress.after({}, interval(1)), interval(1, query="rejects"))
    progress.write(tmp_path, both)
    progress.forget_others(tmp_path, ["rejects", "fraud-9"])
    assert set(progress.read(tmp_path)) == {"rejects"}
