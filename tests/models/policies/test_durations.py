import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from models.policies.durations import Lasting, Milliseconds, milliseconds, shown


@pytest.mark.parametrize(
    ("text", "ms"), [("250ms", 250), ("90s", 90_000), ("5m", 300_000), ("2h", 7_200_000), ("1d", 86_400_000)]
)
def test_a_length_of_time_is_a_number_and_a_unit(text: str, ms: int) -> None:
    assert milliseconds(text) == ms
    assert shown(ms) == text


@given(st.integers(0, 10**9 - 1), st.sampled_from((1, 1_000, 60_000)))
def test_what_is_shown_is_read_again(number: int, unit: int) -> None:
    assert milliseconds(shown(number * unit)) == number * unit


@pytest.mark.parametrize("wrong", ["", "5", "m", "-5m", "1.5h", "05m", "5 m", "5w", 5, None, True])
def test_anything_else_is_refused_with_an_example(wrong: object) -> None:
    with pytest.raises(ValidationError, match='such as "90s"'):
        TypeAdapter(Milliseconds).validate_python(wrong)


def test_a_lasting_length_is_not_zero() -> None:
    assert TypeAdapter(Milliseconds).validate_python("0s") == 0
    with pytest.raises(ValidationError, match="greater than 0"):
        TypeAdapter(Lasting).validate_python("0s")
