import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import events, rejections
from models.errors import RejectEventError
from models.events import Event, Label, Reading, Transaction

GOOD: dict[str, Any] = {
    "event_id": "1",
    "event_time": 1_600_000_000_000,
    "card": "tok_" + "a" * 24,
    "terminal": "t1",
    "amount": 12.5,
}

ids = st.text(min_size=1, max_size=64).filter(lambda s: not any(0xD800 <= ord(c) <= 0xDFFF for c in s))
times = st.integers(min_value=0, max_value=4_102_444_800_000)
cards = st.text(alphabet="0123456789abcdef", min_size=24, max_size=24).map(lambda h: f"tok_{h}")
amounts = st.floats(min_value=0, max_value=1e9)
transactions = st.builds(
    Transaction, event_id=ids, event_time=times, card=cards, terminal=ids, amount=amounts
)
labels = st.builds(
    Label, event_id=ids, event_time=times, transaction_id=ids, card=cards, terminal=ids, fraud=st.booleans()
)
readings = st.builds(
    Reading,
    event_id=ids,
    event_time=times,
    machine=ids,
    measurements=st.dictionaries(
        ids, st.none() | st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=60
    ),
    latitude=st.none() | st.floats(-90, 90),
    longitude=st.none() | st.floats(-180, 180),
)


@given(transactions | labels | readings)
def test_an_event_survives_its_codec(event: Event) -> None:
    assert events.decode(events.encode(event)) == event


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"amount": math.nan}, rejections.NOT_FINITE),
        ({"amount": -math.inf}, rejections.NOT_FINITE),
        ({"amount": "3"}, rejections.WRONG_TYPE),
        ({"amount": None}, rejections.WRONG_TYPE),
        ({"amount": -1.0}, rejections.OUT_OF_RANGE),
        ({"amount": 1e12}, rejections.OUT_OF_RANGE),
        ({"card": "4111111111111111"}, rejections.OUT_OF_RANGE),
        ({"card": None}, rejections.NULL_KEY),
        ({"event_id": ""}, rejections.OUT_OF_RANGE),
        ({"event_time": 10**20}, rejections.OUT_OF_RANGE),
        ({"event_time": 1.5}, rejections.WRONG_TYPE),
        ({"colour": "red"}, rejections.UNKNOWN_FIELD),
    ],
)
def test_a_wrong_field_is_refused_with_its_reason(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(RejectEventError) as refusal:
        events.build("transaction", GOOD | change)
    assert refusal.value.reason == reason
    assert next(iter(change)) in refusal.value.detail


@pytest.mark.parametrize("name", sorted(GOOD))
def test_a_missing_field_is_named(name: str) -> None:
    with pytest.raises(RejectEventError) as refusal:
        events.build("transaction", {k: v for k, v in GOOD.items() if k != name})
    assert refusal.value.reason == rejections.MISSING_FIELD
    assert name in refusal.value.detail


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", rejections.EMPTY),
        (b"{", rejections.MALFORMED_JSON),
        (b"\xff", rejections.MALFORMED_JSON),
        (b'{"type":"transaction","amount":NaN}', rejections.NOT_FINITE),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, rejections.MALFORMED_JSON),
        (b"[]", rejections.WRONG_TYPE),
        (b'{"type":"refund"}', rejections.UNKNOWN_TYPE),
        (b"{}", rejections.MISSING_FIELD),
        (b"x" * (events.MAX_EVENT_BYTES + 1), rejections.TOO_LARGE),
    ],
)
def test_bytes_that_are_no_event_are_refused_with_their_reason(data: bytes, reason: str) -> None:
    with pytest.raises(RejectEventError) as refusal:
        events.decode(data)
    assert refusal.value.reason == reason
    assert reason in rejections.REASONS


def test_the_key_is_the_entity() -> None:
    assert events.build("transaction", GOOD).key == GOOD["card"]
