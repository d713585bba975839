from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.errors import RefuseInputError
from storage.times import DAY_MS, MAX_DAYS, day_of, days_between, millis

TIMES = st.integers(0, 4_102_444_800_000)
WIDTHS = st.integers(0, MAX_DAYS * DAY_MS - DAY_MS)


@given(TIMES, WIDTHS, st.data())
def test_a_range_asks_the_day_of_each_time_in_it(start: int, width: int, data: st.DataObject) -> None:
    days = days_between(start, start + width)
    if width:
        assert day_of(data.draw(st.integers(start, start + width - 1))) in days
        assert (days[0], days[-1]) == (day_of(start), day_of(start + width - 1))


@given(TIMES)
def test_a_day_is_the_calendar_day_in_utc(time: int) -> None:
    calendar = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=time)
    assert calendar.date() - datetime(1970, 1, 1, tzinfo=UTC).date() == timedelta(days=day_of(time))


@given(TIMES)
def test_a_time_comes_back_from_the_driver_to_the_millisecond(time: int) -> None:
    from cassandra.util import datetime_from_timestamp  # noqa: PLC0415 - only here

    assert millis(datetime_from_timestamp(time / 1000.0)) == time


def test_an_empty_range_asks_at_most_one_day() -> None:
    assert len(days_between(5 * DAY_MS, 5 * DAY_MS)) == 0
    assert len(days_between(5 * DAY_MS + 1, 5 * DAY_MS + 1)) == 1


def test_the_widest_range_is_taken_and_a_wider_one_refused() -> None:
    assert len(days_between(0, MAX_DAYS * DAY_MS)) == MAX_DAYS
    with pytest.raises(RefuseInputError, match=f"spans {MAX_DAYS + 1} days"):
        days_between(0, MAX_DAYS * DAY_MS + 1)
