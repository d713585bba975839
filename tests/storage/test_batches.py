from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from storage.batches import grouped

ROWS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 60)))


def group(rows: list[Any], most_rows: int, most_bytes: int) -> tuple[list[Any], list[list[Any]]]:
    numbered = [(owner, size, n) for n, (owner, size) in enumerate(rows)]
    groups = grouped(
        numbered,
        owner=lambda r: r[0],
        size=lambda r: r[1],
        most_rows=most_rows,
        most_bytes=most_bytes,
    )
    return numbered, list(groups)


@given(ROWS, st.integers(1, 5), st.integers(10, 100))
def test_every_row_is_in_one_group_in_its_owners_order(
    rows: list[Any], most_rows: int, most_bytes: int
) -> None:
    numbered, groups = group(rows, most_rows, most_bytes)
    for owner in "abc":
        ours = [row for g in groups for row in g if row[0] == owner]
        assert ours == [row for row in numbered if row[0] == owner]
    assert sum(map(len, groups)) == len(rows)


@given(ROWS, st.integers(1, 5), st.integers(10, 100))
def test_a_group_has_one_owner_and_keeps_its_bounds(rows: list[Any], most_rows: int, most_bytes: int) -> None:
    for g in group(rows, most_rows, most_bytes)[1]:
        assert len({row[0] for row in g}) == 1
        assert len(g) <= most_rows
        assert len(g) == 1 or sum(row[1] for row in g) <= most_bytes


@given(ROWS, st.integers(1, 5), st.integers(10, 100))
def test_groups_are_no_more_than_needed(rows: list[Any], most_rows: int, most_bytes: int) -> None:
    _, groups = group(rows, most_rows, most_bytes)
    for owner in "abc":
        ours = [g for g in groups if g[0][0] == owner]
        for this, following in pairwise(ours):
            is_full = len(this) == most_rows
            assert is_full or sum(r[1] for r in this) + following[0][1] > most_bytes


def test_full_groups_come_before_the_rows_end() -> None:
    def endless() -> Iterator[str]:
        while True:
            yield "a"

    groups = grouped(endless(), owner=str, size=len, most_rows=3, most_bytes=100)
    assert next(groups) == ["a"] * 3
