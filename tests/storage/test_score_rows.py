from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import RejectEventError
from models.rejections import OUT_OF_RANGE
from models.scores import Score
from storage.score_rows import COLUMNS, refuse_unstorable, to_values
from storage.scores import StampedScore, stamp_of

ENDS = st.integers(0, 4_102_444_800_000)


def test_a_row_has_a_value_for_each_column_and_its_timestamp(make_score: Callable[..., Score]) -> None:
    values = to_values(StampedScore(make_score(), 17))
    assert len(values) == len(COLUMNS) + 1
    assert values[-1] == 17


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("event_id", ""),
        ("entity", ""),
        ("model", "m" * 1_025),
        ("event_time", -1),
        ("event_time", 4_102_444_800_001),
        ("ingested_at", 10**30),
        ("partition", 2**31),
        ("offset", 2**63),
    ],
)
def test_a_score_that_no_row_can_hold_is_refused_by_field(
    make_score: Callable[..., Score], name: str, value: Any
) -> None:
    with pytest.raises(RejectEventError, match=rf"\$\.{name}") as caught:
        refuse_unstorable(make_score(**{name: value}))
    assert caught.value.reason == OUT_OF_RANGE


@given(ENDS, ENDS, st.integers(0, 2**40))
def test_a_later_record_has_a_later_stamp(one: int, other: int, offset: int) -> None:
    if one < other:
        assert stamp_of(one, offset) < stamp_of(other, offset + 1)


def test_records_of_one_millisecond_are_told_apart() -> None:
    assert stamp_of(5, 41) < stamp_of(5, 42)
