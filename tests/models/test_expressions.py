import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import RefuseSpecError
from models.expressions import (
    absolute,
    coalesce,
    cosine,
    day_of_week,
    exp,
    feature,
    field,
    hour_of_day,
    is_null,
    log,
    lookup,
    measurement,
    sine,
    sqrt,
    where,
)

x, name = field("x"), field("name", "text")
MONDAY_NOON = 1_700_481_600_000


@given(st.floats(-1e6, 1e6))
def test_expressions_compute_what_they_say(value: float) -> None:
    row = {"x": value}
    assert (1 + x * 2 - 3).evaluate(row) == 1 + value * 2 - 3
    assert (6 / x).evaluate(row) == (6 / value if value else None)
    assert (-x).evaluate(row) == -value
    assert absolute(x).evaluate(row) == abs(value)
    assert log(x).evaluate(row) == (math.log(value) if value > 0 else None)
    assert sqrt(x).evaluate(row) == (math.sqrt(value) if value >= 0 else None)
    assert exp(x).evaluate(row) == (math.exp(value) if value <= 709 else None)
    assert (sine(x).evaluate(row), cosine(x).evaluate(row)) == (math.sin(value), math.cos(value))
    assert where((x > 0) & ~(x > 5), 1, 2).evaluate(row) == (1 if 0 < value <= 5 else 2)
    assert ((x == 0) | (x != 1)).evaluate(row) == (value != 1)


def test_null_goes_through_until_it_is_dealt_with() -> None:
    row = {"x": None, "name": None}
    assert (x + 1).evaluate(row) is None
    assert (x > 1).evaluate(row) is None
    assert is_null(x).evaluate(row) is True
    assert coalesce(x, 3).evaluate(row) == 3
    assert where(x > 1, 1, 2).evaluate(row) == 2
    assert where(x > 1, 1, None).evaluate(row) is None
    assert where(x > 1, 1, None).nulls == "maybe"
    assert ((x > 1) | (x <= 1)).evaluate(row) is False
    assert lookup(name, {"a": 1}).evaluate(row) is None
    assert lookup(name, {"a": 1}, 0).evaluate(row) == 0


def test_text_is_looked_up_and_compared() -> None:
    row = {"name": "it's"}
    assert lookup(name, {"it's": 2.5}).evaluate(row) == 2.5
    assert (name == "it's").evaluate(row) is True
    assert (name != field("name", "text")).evaluate(row) is False
    assert "it\\'s" in (name == "it's").sql


def test_time_of_day_and_day_of_week_are_utc() -> None:
    assert hour_of_day().evaluate({"event_time": MONDAY_NOON}) == 12
    assert day_of_week().evaluate({"event_time": MONDAY_NOON}) == 0


def test_what_may_be_null_is_known() -> None:
    assert [e.nulls for e in (x, x / 2, log(x) + 1, 2 / x, coalesce(log(x), 0), is_null(x))] == [
        "when a read is",
        "when a read is",
        "maybe",
        "maybe",
        "never",
        "never",
    ]


def test_a_measurement_is_one_number_of_a_reading() -> None:
    pressure = measurement("pressure")
    assert (pressure * 2).evaluate({"measurements": {"pressure": 3}}) == 6.0
    assert pressure.evaluate({"measurements": {"pressure": None}}) is None
    assert pressure.evaluate({"measurements": {"temperature": 3}}) is None
    assert (pressure + 1).nulls == "maybe"
    assert pressure.sql == "measured_pressure"
    assert measurement("XMEAS(9)").sql == "measured__" + b"XMEAS(9)".hex()


def test_reads_are_known() -> None:
    reads = (x + feature("mean")).reads
    assert {(r.name, r.feature) for r in reads} == {("x", False), ("mean", True)}


def test_mistakes_are_refused_when_they_are_written() -> None:
    with pytest.raises(RefuseSpecError, match="text"):
        name + 1
    with pytest.raises(RefuseSpecError, match="compare it with text"):
        _ = name == 3
    with pytest.raises(RefuseSpecError, match="no truth value"):
        _ = 0 < x < 5
    with pytest.raises(RefuseSpecError, match="a condition is needed"):
        where(x, 1, 2)
    with pytest.raises(RefuseSpecError, match="needs a text"):
        lookup(x, {"a": 1})
    with pytest.raises(RefuseSpecError, match="finite"):
        x + math.inf
