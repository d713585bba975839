"""What every `CountStore` promises, run on the twin and on Cassandra."""

from dataclasses import replace

import pytest

from storage.count_table import CassandraCounts
from storage.counts import CountStore, MinuteCount, Position
from storage.errors import RefuseInputError
from storage.memory_counts import MemoryCounts

DAY = 86_400_000
MINUTE = 60_000
NOON = 20_000 * DAY + DAY // 2
FIRST = MinuteCount(
    minute=NOON, stage="scored", part="transactions/0 fraud", given=10, found=8, first_offset=2**40,
    end_offset=2**40 + 10, checked=10, missing=1, counts={"dead-lettered": 1, "late": 0},
    ids=("transactions/0/7 (tx'ä')",), lost=b"\x00\xff",
)  # fmt: skip
WHERE = Position(part="transactions/0", minute=NOON, end_offset=2**40 + 10, newest=NOON - 3)


@pytest.fixture(params=["memory", pytest.param("cassandra", marks=pytest.mark.cassandra)])
def store(request: pytest.FixtureRequest) -> CountStore:
    if request.param == "memory":
        return MemoryCounts()
    return CassandraCounts(request.getfixturevalue("session"))


def test_counts_and_position_are_what_was_recorded(store: CountStore) -> None:
    assert (store.positions(), store.gaps(), store.between(0, DAY)) == ([], [], [])
    store.record([FIRST], WHERE)
    store.record([FIRST], WHERE)
    assert store.between(NOON, NOON + MINUTE) == [FIRST]
    assert store.positions() == [WHERE]


def test_a_count_takes_the_place_of_the_one_before_it(store: CountStore) -> None:
    store.record([FIRST], WHERE)
    whole = replace(FIRST, found=9, missing=0, ids=(), lost=b"", counts={})
    store.record([whole])
    assert store.between(NOON, NOON + 1) == [whole]
    assert store.gaps() == []
    assert store.positions() == [WHERE]


def test_a_position_moves(store: CountStore) -> None:
    store.record([], WHERE)
    moved = replace(WHERE, minute=NOON + MINUTE, end_offset=2**41)
    store.record([], moved)
    store.record([], replace(WHERE, part="scores/1", newest=0))
    assert store.positions() == [replace(WHERE, part="scores/1", newest=0), moved]


def test_minutes_come_in_order_over_days(store: CountStore) -> None:
    rows = [
        replace(FIRST, minute=NOON + minute, stage=stage, part=part)
        for minute in (-DAY, 0, MINUTE, DAY)
        for stage in ("scored", "stored")
        for part in ("a", "b")
    ]
    store.record(rows[8:])
    store.record(rows[:8])
    assert store.between(NOON - DAY, NOON + DAY + 1) == rows
    assert store.between(NOON, NOON + DAY) == rows[4:12]
    assert store.gaps() == rows


def test_nothing_to_record_is_no_harm(store: CountStore) -> None:
    store.record([])
    assert store.positions() == []


def test_a_range_that_ends_before_it_begins_is_refused(store: CountStore) -> None:
    with pytest.raises(RefuseInputError):
        store.between(NOON, NOON - 1)
