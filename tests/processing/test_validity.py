"""The SQL predicate of validity says about a Kafka record what `models.events.decode` says about its bytes."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pyspark.sql import SparkSession

from models import dead_letters as letters
from models import events, rejections
from models.errors import RejectEventError
from models.events import Label, Reading, Transaction
from models.expressions import measurement
from models.features import row
from models.plan import compile_plan, may_be_seen_sql
from processing.source import dead_letters, valid_rows

pytestmark = pytest.mark.spark

CARD = "tok_" + "0" * 24
NOW = 1_700_000_000_000
GOOD: dict[str, Any] = {
    "type": "transaction",
    "event_id": "1",
    "event_time": NOW,
    "card": CARD,
    "terminal": "t1",
    "amount": 5.0,
}
SCHEMA = "key binary, value binary, topic string, partition int, offset bigint, timestamp timestamp"


def text(**change: Any) -> bytes:
    return json.dumps(GOOD | change).encode()


def without(name: str) -> bytes:
    return json.dumps({k: v for k, v in GOOD.items() if k != name}).encode()


VALUES = [
    text(),
    text(amount=7),
    text(amount=0),
    b"  " + text(),
    text(terminal='a"b'),
    b"",
    b"{",
    b"nonsense",
    b"[1]",
    b"\xff\xfe",
    b'{"type":"transaction","amount":NaN}',
    b'{"type":"transaction","amount": -Infinity}',
    b'{"a":' * 3000 + b"1" + b"}" * 3000,
    text(type="refund"),
    without("type"),
    without("event_id"),
    without("event_time"),
    without("terminal"),
    without("amount"),
    text(colour="red"),
    text(amount="5"),
    text(amount=None),
    text(amount=True),
    text(amount=-1),
    text(amount=1e12),
    text(event_id=5),
    text(event_id=""),
    text(event_id="x" * 65),
    text(terminal=7),
    text(terminal={}),
    text(event_time="1"),
    text(event_time=1.5),
    text(event_time=-1),
    text(card=None),
    text(card="4111111111111111"),
    text(terminal="x" * events.MAX_EVENT_BYTES),
]


def verdict(value: bytes) -> str | None:
    try:
        events.decode(value)
    except RejectEventError as refusal:
        return refusal.reason
    return None


def test_stream_and_door_agree_on_every_kind_of_value(spark: SparkSession) -> None:
    when = datetime.fromtimestamp(NOW / 1000, UTC)
    rows = [(CARD.encode(), v, "transactions", 0, i, when) for i, v in enumerate(VALUES)]
    raw = spark.createDataFrame(rows, SCHEMA)
    refused = [letters.decode(bytes(r.value.encode())) for r in dead_letters(raw, Transaction).collect()]
    kept = {row.offset for row in valid_rows(raw, Transaction).collect()}
    expected = {i: verdict(v) for i, v in enumerate(VALUES)}
    assert {x.offset: x.reason for x in refused} == {i: r for i, r in expected.items() if r is not None}
    assert kept == {i for i, r in expected.items() if r is None}
    assert all(x.reason in rejections.REASONS for x in refused)


@pytest.mark.parametrize(
    ("key", "event_time", "reason"),
    [
        (None, NOW, rejections.NULL_KEY),
        (b"tok_other", NOW, rejections.KEY_MISMATCH),
        (CARD.encode(), NOW + events.FUTURE_TOLERANCE_MS + 1, rejections.FUTURE_EVENT_TIME),
    ],
)
def test_the_record_around_an_event_is_checked(
    spark: SparkSession, key: bytes | None, event_time: int, reason: str
) -> None:
    when = datetime.fromtimestamp(NOW / 1000, UTC)
    raw = spark.createDataFrame([(key, text(event_time=event_time), "transactions", 0, 0, when)], SCHEMA)
    (letter,) = [letters.decode(r.value.encode()) for r in dead_letters(raw, Transaction).collect()]
    assert letter.reason == reason
    assert valid_rows(raw, Transaction).count() == 0


def test_labels_and_readings_are_taken(spark: SparkSession) -> None:
    when = datetime.fromtimestamp(NOW / 1000, UTC)
    label = Label(event_id="L", event_time=NOW, transaction_id="1", card=CARD, terminal="t", fraud=True)
    reading = Reading(event_id="R", event_time=NOW, machine="m", measurements={"a": 1.0, "b": None})
    for event in (label, reading):
        raw = spark.createDataFrame([(event.key.encode(), events.encode(event), "x", 0, 0, when)], SCHEMA)
        assert valid_rows(raw, type(event)).count() == 1
        assert dead_letters(raw, type(event)).count() == 0


READING = (
    b'{"type":"reading","event_id":"r","event_time":%d,"machine":"m","measurements":{"a":1.5,"b":null}%s}'
)
READINGS = [
    b"",
    b',"machine_class":"pump"',
    b',"machine_class":"p\\u0075mp"',
    b',"machine_class":null,"latitude":null',
    b',"machine_class":5',
    b',"m\\u0061chine_class":5',
    b',"machine_class":""',
    b',"latitude":48.2,"longitude":16.4',
    b',"latitude":"48.2"',
    b',"l\\u0061titude":"48.2"',
    b',"latitude":91',
]


def test_stream_and_door_agree_on_optional_fields(spark: SparkSession) -> None:
    when = datetime.fromtimestamp(NOW / 1000, UTC)
    values = [READING % (NOW, fields) for fields in READINGS]
    rows = [(b"m", value, "readings", 0, n, when) for n, value in enumerate(values)]
    raw = spark.createDataFrame(rows, SCHEMA)
    refused = {letters.decode(bytes(r.value.encode())).offset for r in dead_letters(raw, Reading).collect()}
    assert refused == {n for n, value in enumerate(values) if verdict(value) is not None}
    assert {row.offset for row in valid_rows(raw, Reading).collect()} == set(range(len(values))) - refused


def test_what_a_model_sees_is_never_left_out_before_it_is_parsed(spark: SparkSession) -> None:
    plan = compile_plan(Reading, [row("a", measurement("a"))], {"machine_class": "pump"})
    when = datetime.fromtimestamp(NOW / 1000, UTC)
    rows = [(b"m", READING % (NOW, fields), "readings", 0, n, when) for n, fields in enumerate(READINGS)]
    raw = spark.createDataFrame(rows, SCHEMA).where(may_be_seen_sql(plan))
    assert {r.offset for r in valid_rows(raw, Reading).collect() if r.machine_class == "pump"} == {1, 2}
    assert 7 not in {r.offset for r in raw.collect()}
