import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.door import KEPT_DETAIL, Door
from ingest.masking import MASK, luhn, mask_cards
from ingest.memory import Bus
from ingest.settings import KafkaSettings
from models import events
from models.dead_letters import KEPT_BYTES, DeadLetter
from models.events import FUTURE_TOLERANCE_MS, Label, Reading, Transaction
from models.rejections import REASONS

NOW = 1_700_000_000_000
TOKEN = "tok_" + "0" * 24
GOOD: dict[str, Any] = {
    "type": "transaction", "event_id": "t1", "event_time": NOW, "card": TOKEN, "terminal": "T1", "amount": 5.5,
}  # fmt: skip
Letters = Callable[[], list[DeadLetter]]


def wire(**changes: Any) -> bytes:
    return json.dumps({**GOOD, **changes}).encode()


def without(field: str) -> bytes:
    return json.dumps({name: value for name, value in GOOD.items() if name != field}).encode()


MALFORMED: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "empty"),
    "cut off": (wire()[:-9], "malformed_json"),
    "not unicode": (wire().replace(b"T1", b"\xff\xfe"), "malformed_json"),
    "a byte order mark": (b"\xef\xbb\xbf" + wire(), "malformed_json"),
    "half a character": (wire(terminal="\ud800"), "malformed_json"),
    "nested without end": (b'{"a":' * 10_000, "malformed_json"),
    "an array": (b"[1,2]", "wrong_type"),
    "text for a number": (wire(amount="12"), "wrong_type"),
    "a fraction for a time": (wire(event_time=1.5), "wrong_type"),
    "null key": (wire(card=None), "null_key"),
    "not a number": (wire(amount=float("nan")), "not_finite"),
    "endless": (wire(amount=float("inf")), "not_finite"),
    "a field too few": (without("terminal"), "missing_field"),
    "no type": (without("type"), "missing_field"),
    "a field too many": (wire(pin=1234), "unknown_field"),
    "unknown type": (wire(type="refund"), "unknown_type"),
    "negative amount": (wire(amount=-1), "out_of_range"),
    "a raw card number": (wire(card="4111111111111111"), "out_of_range"),
    "an empty key": (wire(terminal=""), "out_of_range"),
    "the far future": (wire(event_time=NOW + 86_400_000), "future_event_time"),
    "five megabytes": (wire(terminal="x" * 5_000_000), "too_large"),
}


@pytest.mark.parametrize(("payload", "reason"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_event_becomes_a_dead_letter(
    door: Door, bus: Bus, letters: Letters, payload: bytes, reason: str
) -> None:
    assert not door.raw(payload, "till.jsonl", 17)
    assert door.raw(wire(), "till.jsonl", 18)
    (letter,) = letters()
    assert (letter.reason, letter.source, letter.position) == (reason, "till.jsonl", "17")
    assert letter.rejected_at == NOW
    assert (letter.topic, letter.partition, letter.offset) == (None, None, None)
    assert len(base64.b64decode(letter.payload)) <= KEPT_BYTES
    assert (door.rejected, door.accepted) == ({reason: 1}, {"transaction": 1})
    assert len(list(bus.read_all("transactions"))) == 1


def test_the_kept_payload_and_the_whole_size_are_told(door: Door, letters: Letters) -> None:
    payload = wire(terminal="x" * 5_000_000)
    door.raw(payload, "s", 1)
    (letter,) = letters()
    assert letter.size == len(payload)
    assert base64.b64decode(letter.payload) == payload[:KEPT_BYTES]


@pytest.mark.parametrize(
    "event",
    [
        Transaction(event_id="t", event_time=NOW, card=TOKEN, terminal="T", amount=1.0),
        Label(event_id="l", event_time=NOW, transaction_id="t", card=TOKEN, terminal="T", fraud=True),
        Reading(event_id="r", event_time=NOW, machine="m", measurements={"volt": 1.5, "rotate": None}),
    ],
)
def test_an_event_goes_to_its_topic_under_its_key(door: Door, bus: Bus, event: events.Event) -> None:
    assert door.event(event, "s", 1)
    (record,) = bus.read_all(event.topic)  # type: ignore[arg-type]
    assert record.key == event.key.encode()
    assert record.timestamp_ms == NOW
    assert events.decode(record.value) == event


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"amount": float("nan")}, "not_finite"),
        ({"amount": float("inf")}, "not_finite"),
        ({"amount": -1.0}, "out_of_range"),
        ({"card": "4111111111111111"}, "out_of_range"),
        ({"card": None}, "null_key"),
        ({"terminal": "\ud800"}, "wrong_type"),
        ({"event_time": "yesterday"}, "wrong_type"),
        ({"event_id": "x" * 65}, "out_of_range"),
        ({"event_time": NOW + FUTURE_TOLERANCE_MS + 1}, "future_event_time"),
    ],
)
def test_typed_events_are_not_trusted(
    door: Door, letters: Letters, changes: dict[str, Any], reason: str
) -> None:
    fields = {**GOOD, **changes}
    del fields["type"]
    assert not door.event(Transaction(**fields), "s", 1)
    assert [letter.reason for letter in letters()] == [reason]


def test_a_measurement_that_is_not_finite_is_refused(door: Door, letters: Letters) -> None:
    door.event(Reading(event_id="r", event_time=1, machine="m", measurements={"a": float("nan")}), "s", 1)
    door.event(
        Reading(event_id="r", event_time=1, machine="m", measurements={"a": 1.0}, latitude=float("nan")),
        "s",
        1,
    )
    assert [letter.reason for letter in letters()] == ["not_finite", "not_finite"]


@given(st.integers(-FUTURE_TOLERANCE_MS, 3 * FUTURE_TOLERANCE_MS))
def test_only_what_lies_beyond_the_tolerance_is_future(ahead: int) -> None:
    door = Door(fresh_bus().producer(), lambda: NOW)
    assert door.raw(wire(event_time=NOW + ahead), "s", 1) == (ahead <= FUTURE_TOLERANCE_MS)


@given(st.binary(max_size=300))
def test_whatever_comes_is_taken_or_kept(payload: bytes) -> None:
    bus = fresh_bus()
    door = Door(bus.producer(), lambda: NOW)
    door.raw(payload, "s", 1)
    assert len(list(bus.read_all("dead-letters"))) == 1
    assert set(door.rejected) <= REASONS


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*GOOD, "other"]), JSON))
def test_whatever_object_comes_is_taken_or_kept(changes: dict[str, Any]) -> None:
    bus = fresh_bus()
    door = Door(bus.producer(), lambda: NOW)
    door.raw({**GOOD, **changes}, "s", 1)
    assert sum(len(log) for log in bus.logs.values()) == 1
    assert door.accepted.total() + door.rejected.total() == 1


def test_an_object_that_json_can_not_hold_is_kept(door: Door, letters: Letters) -> None:
    endless: dict[str, Any] = dict(GOOD)
    endless["self"] = endless
    assert not door.raw(endless, "s", 1)
    assert not door.raw({**GOOD, ("a", "b"): 1}, "s", 2)  # type: ignore[dict-item]
    assert [letter.reason for letter in letters()] == ["malformed_json", "malformed_json"]


def test_card_numbers_do_not_reach_the_dead_letters(door: Door, letters: Letters) -> None:
    door.raw(wire(card="4111 1111 1111 1111"), "s", 1)
    door.raw(wire(card=5500005555555559), "s", 2)
    door.raw(wire(type="4111111111111111"), "s", 3)
    kept = b"".join(base64.b64decode(letter.payload) + letter.detail.encode() for letter in letters())
    assert b"1111" not in kept
    assert b"5555" not in kept
    assert kept.count(MASK.encode()) == 4
    assert str(NOW).encode() in kept


def test_a_long_explanation_is_cut(door: Door, letters: Letters) -> None:
    door.raw(wire(type="x" * 10_000), "s", 1)
    assert len(letters()[0].detail) == KEPT_DETAIL


@given(st.integers(10**13, 10**19 - 1).map(str))
def test_numbers_with_a_right_check_digit_are_masked(digits: str) -> None:
    masked = mask_cards(f'{{"card":"{digits}"}}'.encode())
    assert (MASK.encode() in masked) == luhn(digits)


@pytest.mark.parametrize("number", ["4111111111111111", "378282246310005", "6011000990139424"])
def test_well_known_test_cards_have_a_right_check_digit(number: str) -> None:
    assert luhn(number)
    assert not luhn(number[:-1] + str((int(number[-1]) + 1) % 10))


def fresh_bus() -> Bus:
    return Bus(KafkaSettings(bootstrap_servers="none:1"), lambda: NOW)
