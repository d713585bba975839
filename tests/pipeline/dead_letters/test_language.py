"""The expressions of a fix: what they compute, and that nothing else can be said in them."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.dead_letters.functions import functions
from pipeline.dead_letters.language import NoValueError, compiled
from pipeline.errors import RefuseUsageError

KNOWN = functions(lambda card: f"tok_{card}")
ROW: dict[str, Any] = {
    "amount": "12.50",
    "cents": 1250,
    "at": "2026-11-24T10:00:00+01:00",
    "day": "24.11.2026",
    "terminal": " T1 ",
    "empty": "",
    "nothing": None,
    "fraud": "1",
    "measurements": {"flow": 3.5, "in let": 2},
}


def value(text: str) -> Any:
    return compiled(text, KNOWN)(ROW)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("number(amount)", 12.5),
        ("cents / 100", 12.5),
        ("-(cents + 1) * 2", -2502),
        ("cents // 100 + cents % 100", 62),
        ("'T' + text(cents)", "T1250"),
        ("time(at)", 1_795_510_800_000),
        ("time(day, '%d.%m.%Y')", 1_795_478_400_000),
        ("strip(terminal)", "T1"),
        ("lower(replace(strip(terminal), 'T', 'X'))", "x1"),
        ("default(nowhere, default(empty, default(nothing, 'T0')))", "T0"),
        ("flag(fraud)", True),
        ("measurements.flow", 3.5),
        ("measurements['in let']", 2),
        ("'big' if cents > 1000 else 'small'", "big"),
        ("whole('7')", 7),
        ("round(measurements.flow * 1.01, 2)", 3.54),
        ("finite(number('nan'))", None),
        ("token('4111')", "tok_4111"),
        ("null", None),
        ("true", True),
    ],
)
def test_what_an_expression_says(text: str, expected: object) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", "1 +", "__import__('os')", "amount.__class__()", "(lambda: 1)()", "[1, 2]", "open('x')", "2 ** 99999",
        "amount[0]", "number(x=1)", "number(*amount)", "f'{amount}'", "amount and cents", "1 < cents < 3", "x := 1",
        "b'raw'", "1j", "a" * 2_000, "(" * 500 + ")" * 500, "-" * 990 + "1",
    ],
)  # fmt: skip
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(RefuseUsageError):
        compiled(text, KNOWN)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("nowhere", "no field nowhere"),
        ("amount * 3", "say number"),
        ("number('x')", "number"),
        ("cents / 0", "zero"),
        ("whole(1.5)", "not whole"),
        ("measurements.pressure", "no pressure"),
        ("strip(cents)", "text is expected"),
        ("lower(terminal, 3)", "lower"),
        ("amount > 3", "not supported"),
        ("token('<card number>')", "not kept"),
        ("nothing.inner", "no inner"),
    ],
)
def test_an_event_that_has_no_value_is_named(text: str, why: str) -> None:
    with pytest.raises(NoValueError, match=why):
        value(text)


@given(st.text(max_size=60))
def test_no_text_does_anything_but_mean_something_or_be_refused(text: str) -> None:
    try:
        evaluate = compiled(text, KNOWN)
    except RefuseUsageError:
        return
    with suppress(NoValueError):
        evaluate(ROW)


@given(st.integers(-1_000, 1_000), st.integers(-1_000, 1_000), st.sampled_from("+-*"))
def test_arithmetic_is_arithmetic(a: int, b: int, sign: str) -> None:
    expected = {"+": a + b, "-": a - b, "*": a * b}[sign]
    assert compiled(f"a {sign} b", {})({"a": a, "b": b}) == expected
