"""What evidence is read as: places, validity, and the newest event time by arrival."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.ports import Record
from ingest.settings import TopicName
from models import events
from models.events import EVENT_TYPES, FUTURE_TOLERANCE_MS, Label, Transaction
from pipeline import sources
from pipeline.sources import Newest

CARD = f"tok_{1:024x}"
ARRIVED = 1_800_000_000_000


def record(
    event_time: int = ARRIVED, key: bytes | None = CARD.encode(), value: bytes | None = None
) -> Record:
    event = Transaction(event_id="e1", event_time=event_time, card=CARD, terminal="T1", amount=1.0)
    return Record("transactions", 0, 0, key, events.encode(event) if value is None else value, ARRIVED)


@given(st.integers(0, 2**15 - 1), st.integers(0, 2**48 - 1))
def test_a_place_is_one_number_and_a_name(partition: int, offset: int) -> None:
    where = sources.place(partition, offset)
    assert sources.partition_of(where) == partition
    assert sources.place_name("labels", where) == f"labels/{partition}/{offset}"


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 100)), max_size=30), st.integers(-1, 21))
def test_the_newest_event_time_is_that_of_all_arrivals_until_then(
    arrivals: list[tuple[int, int]], asked: int
) -> None:
    newest = Newest()
    for arrived, event_time in arrivals:
        newest.see(arrived, event_time)
    assert newest.before(asked) == max((t for arrived, t in arrivals if arrived <= asked), default=0)


@pytest.mark.parametrize(
    ("given_record", "valid"),
    [
        (record(), True),
        (record(event_time=ARRIVED + FUTURE_TOLERANCE_MS), True),
        (record(event_time=ARRIVED + FUTURE_TOLERANCE_MS + 1), False),
        (record(key=None), False),
        (record(key=b"other"), False),
        (record(value=b""), False),
        (record(value=b"{"), False),
    ],
)
def test_validity_is_that_of_the_query(given_record: Record, *, valid: bool) -> None:
    assert (sources.valid_event(given_record, Transaction) is not None) == valid


def test_an_event_of_another_type_is_not_valid_on_a_topic() -> None:
    assert sources.valid_event(record(), Label) is None


def test_every_event_type_has_a_topic_of_the_catalogue() -> None:
    assert {kind.topic for kind in EVENT_TYPES.values()} <= set(get_args(TopicName))
