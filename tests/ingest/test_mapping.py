import contextlib
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.conversions import flag, number, text
from ingest.errors import RefuseInputError
from ingest.mapping import Mapping, load_mapping
from ingest.offers import checked
from ingest.rows import RowMapper, Shape, label_of, mapped_columns
from ingest.tokens import Tokenizer
from models.errors import RejectEventError
from models.events import Reading, Transaction

TOKENIZER = Tokenizer(bytes(32))
FDH = """
event = "transaction"
[time]
column = "when"
[fields]
event_id = { column = "id", prefix = "x-" }
card = { column = "card", tokenise = true }
terminal = { column = "terminal" }
amount = { column = "amount" }
[label]
delay_days = 7.0
fraud = { column = "fraud" }
"""
READING = """
event = "reading"
[time]
column = "when"
format = "%d.%m.%Y %H:%M"
timezone = "Europe/Vienna"
[fields]
event_id = { template = "{machine}-{when}" }
machine = { column = "machine" }
measurements = { columns = { voltage = "volt", turns = "rotate" } }
latitude = { constant = 48 }
"""


def mapper(toml: str, *columns: str) -> RowMapper:
    mapping = Mapping.model_validate(tomllib.loads(toml))
    return RowMapper(mapping, Shape(columns or tuple(mapped_columns(mapping)), {}), TOKENIZER)


def event(of: RowMapper, *row: Any) -> Any:
    made = of.event(row, of.time(row))
    checked(made)
    return made


def test_columns_become_fields() -> None:
    of = mapper(FDH, "id", "when", "card", "terminal", "amount", "fraud")
    made = event(of, 7, "2024-01-02T03:04:05", 4111, 12, "9.5", 1)
    assert made == Transaction(
        event_id="x-7", event_time=1_704_164_645_000, card=TOKENIZER.token("4111"), terminal="12", amount=9.5
    )
    label = of.label((7, "2024-01-02T03:04:05", 4111, 12, "9.5", 1), made)
    assert label == label_of(made, fraud=True, delay_ms=7 * 86_400_000)
    assert label is not None
    assert (label.event_id, label.transaction_id) == ("L-x-7", "x-7")


def test_a_row_without_verdict_has_no_label() -> None:
    of = mapper(FDH, "id", "when", "card", "terminal", "amount", "fraud")
    row = (7, "2024-01-02T03:04:05", 4111, 12, "9.5", None)
    assert of.label(row, event(of, *row)) is None


def test_measurements_templates_constants_and_local_time() -> None:
    of = mapper(READING, "when", "machine", "volt", "rotate")
    made = event(of, "01.07.2024 12:00", "m 1", 220, None)
    assert made == Reading(
        event_id="m 1-01.07.2024 12:00",
        event_time=round(datetime(2024, 7, 1, 10, tzinfo=UTC).timestamp() * 1_000),
        machine="m 1",
        measurements={"voltage": 220.0, "turns": None},
        latitude=48.0,
    )


@pytest.mark.parametrize(
    ("row", "reason", "where"),
    [
        ((7, "not a time", 1, 1, 1, 0), "wrong_type", "column when"),
        ((7, 5, 1, 1, 1, 0), "wrong_type", "say `unit`"),
        ((7, "2024-01-01", 1, 1, "much", 0), "wrong_type", "field amount"),
        ((7, "2024-01-01", 1, 1, True, 0), "wrong_type", "field amount"),
        ((7, "2024-01-01", [1], 1, 1, 0), "wrong_type", "field card"),
        ((7, "2024-01-01", None, 1, 1, 0), "null_key", "card"),
        ((7, "2024-01-01", "", 1, 1, 0), "null_key", "card"),
        ((7, "2024-01-01", 1, 1, "nan", 0), "not_finite", "NaN"),
        ((7, "2024-01-01", 1, 1, -1, 0), "out_of_range", "amount"),
        ((7, None, 1, 1, 1, 0), "wrong_type", "event_time"),
        ((7, "1960-01-01", 1, 1, 1, 0), "out_of_range", "event_time"),
        (("x" * 70, "2024-01-01", 1, 1, 1, 0), "out_of_range", "event_id"),
    ],
)
def test_a_row_that_is_no_event_says_why(row: tuple[Any, ...], reason: str, where: str) -> None:
    of = mapper(FDH, "id", "when", "card", "terminal", "amount", "fraud")
    with pytest.raises(RejectEventError, match=where) as refused:
        event(of, *row)
    assert refused.value.reason == reason


def test_a_broken_verdict_says_so() -> None:
    of = mapper(FDH, "id", "when", "card", "terminal", "amount", "fraud")
    row = (7, "2024-01-01", 1, 1, 1, "maybe")
    with pytest.raises(RejectEventError, match=r"label.fraud: true, false, 1 or 0"):
        of.label(row, event(of, *row))


def test_a_shown_row_has_a_token_for_the_card_number() -> None:
    of = mapper(FDH, "id", "when", "card", "terminal", "amount", "fraud")
    shown = of.shown((7, None, "4111", 1, 1, 0))
    assert shown["card"] == TOKENIZER.token("4111")
    assert shown["id"] == 7


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (("event =", "events ="), "event: Field required"),
        (('"transaction"', '"refund"'), "event: "),
        (("[time]", "[time]\nzone = 'UTC'"), "time.zone: Extra inputs"),
        (('column = "when"', 'column = "when"\ntimezone = "Mars/Olympus"'), "time: .*Mars"),
        (('column = "when"', 'column = "when"\nunit = "s"\nformat = "%Y"'), "time: .*not both"),
        (('column = "when"', 'column = "when"\nstep = 3.0'), "time: .*say their unit"),
        (('column = "when"', 'column = "when"\nunit = "s"\nstep = 0.0'), "time.step: "),
        (("[time]", 'columns = ["a", "a"]\n[time]'), "columns: a is named twice"),
        (("tokenise = true", "tokenise = 1"), "fields.card.tokenise"),
        (("tokenise", "tokenize"), "fields.card.tokenize: Extra inputs"),
        (('{ column = "terminal" }', "{ }"), "fields.terminal.column: Field required"),
        (("terminal = {", "shop = {"), "fields.shop: a transaction has no such field"),
        (('terminal = { column = "terminal" }', ""), "also needs terminal"),
        (
            ('amount = { column = "amount"', 'amount = { column = "amount", prefix = "EUR"'),
            "fields.amount: prefix",
        ),
        (('amount = { column = "amount"', 'amount = { columns = ["amount"]'), "fields.amount: measurements"),
        (('{ column = "terminal" }', '{ template = "T" }'), "fields.terminal: .*use constant"),
        (('{ column = "terminal" }', '{ template = "{}" }'), "fields.terminal: .*column's name"),
        (('{ column = "terminal" }', '{ template = "{a!r}" }'), "fields.terminal: .*column's name"),
        (('{ column = "terminal" }', '{ template = "{a" }'), "fields.terminal: "),
        (("delay_days = 7.0", "delay_days = 0.0"), "label.delay_days"),
        (("delay_days = 7.0", ""), "label.delay_days: Field required"),
        (('event = "transaction"', "event = transaction"), "is not TOML"),
    ],
)
def test_a_wrong_mapping_is_refused_with_file_and_key(
    tmp_path: Path, change: tuple[str, str], key: str
) -> None:
    assert change[0] in FDH
    path = tmp_path / "wrong.toml"
    path.write_text(FDH.replace(*change))
    with pytest.raises(RefuseInputError, match=f"(?s)wrong.toml.*{key}"):
        load_mapping(path)


def test_labels_are_for_transactions() -> None:
    with pytest.raises(ValueError, match="only transactions have labels"):
        Mapping.model_validate(tomllib.loads(READING + '[label]\ndelay_days = 7.0\nfraud = { column = "f" }'))


def test_a_missing_mapping_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefuseInputError, match=r"none\.toml"):
        load_mapping(tmp_path / "none.toml")


def test_columns_that_are_not_there_are_named() -> None:
    with pytest.raises(RefuseInputError, match="not there: amount, fraud; there are id, when"):
        mapper(FDH, "id", "when", "card", "terminal")


def test_the_shipped_mappings_are_read(maps: Path) -> None:
    shipped = {path.name: load_mapping(path).event for path in maps.glob("*.toml")}
    transactions = {name for name, event in shipped.items() if event == "transaction"}
    assert transactions == {"fdh.toml", "history.toml"}
    assert {event for name, event in shipped.items() if name not in transactions} == {"reading"}


@given(st.floats(allow_nan=False))
def test_numbers_survive_their_text(value: float) -> None:
    assert number(repr(value)) == value
    assert number(value) == value


@given(st.integers(-(2**53), 2**53))
def test_whole_numbers_have_one_text(value: int) -> None:
    assert text(value) == text(float(value)) == str(value)


@given(st.sampled_from([0, 1, 0.0, 1.0, True, False, "0", "1", "true", "FALSE"]))
def test_flags_have_many_faces(value: Any) -> None:
    assert flag(value) is (str(value).lower() in {"1", "1.0", "true"})


@given(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.lists(st.integers())
)
def test_a_conversion_answers_or_says_why_not(value: Any) -> None:
    of = mapper(FDH, "id", "when", "card", "terminal", "amount", "fraud")
    for at in range(5):
        row: list[Any] = [7, "2024-01-01", 1, 1, 1, 0]
        row[at] = value
        with contextlib.suppress(RejectEventError):
            assert isinstance(event(of, *row), Transaction)


def test_columns_of_a_template_are_names_and_nothing_more() -> None:
    toml = FDH.replace('{ column = "terminal" }', '{ template = "{a.b}/{{{c[0]}}}" }')
    of = mapper(toml, "id", "when", "card", "a.b", "c[0]", "amount", "fraud")
    assert event(of, 7, "2024-01-01", 1, "x", 5, 1, 0).terminal == "x/{5}"
    with pytest.raises(RejectEventError, match=r"field terminal: column a\.b is null"):
        event(of, 7, "2024-01-01", 1, None, 5, 1, 0)


@pytest.mark.parametrize(
    ("counted", "number", "time"),
    [
        ('unit = "min"\nstep = 3.0\nstart = 2026-01-01T00:00:00Z', 2, "2026-01-01T00:06:00Z"),
        (
            'unit = "h"\nstart = 2026-01-01T00:00:00\ntimezone = "Europe/Vienna"',
            "2.5e0",
            "2026-01-01T01:30:00Z",
        ),
        ('unit = "d"', 1, "1970-01-02T00:00:00Z"),
    ],
)
def test_times_are_counted_in_steps_from_a_start(counted: str, number: Any, time: str) -> None:
    of = mapper(FDH.replace('column = "when"', f'column = "when"\n{counted}'))
    assert of.time([number]) == datetime.fromisoformat(time).timestamp() * 1_000


@given(
    moment=st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)),  # noqa: DTZ001 - a zone is put on next
    unit=st.sampled_from([("s", 1_000), ("ms", 1), ("us", 0.001)]),
)
def test_epoch_units_agree_with_iso_text(moment: datetime, unit: tuple[str, float]) -> None:
    moment = moment.replace(microsecond=0, tzinfo=UTC)
    name, per_ms = unit
    by_unit = mapper(FDH.replace('"when"', f'"when"\nunit = "{name}"'))
    iso = mapper(FDH)
    milliseconds = round(moment.timestamp() * 1_000)
    assert by_unit.time([milliseconds / per_ms]) == iso.time([moment.isoformat()]) == milliseconds
