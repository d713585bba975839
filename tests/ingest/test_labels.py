"""Labels take their place among transactions by event time."""

from hypothesis import given
from hypothesis import strategies as st

from ingest.labels import interleave
from ingest.offers import Offer
from ingest.rows import label_of
from models.events import Transaction


@given(st.lists(st.tuples(st.integers(0, 10_000), st.none() | st.integers(1, 3_000)), max_size=40))
def test_interleaving_loses_nothing_and_keeps_the_order(rows: list[tuple[int, int | None]]) -> None:
    rows.sort(key=lambda row: row[0])
    stream = []
    for number, (time, delay) in enumerate(rows):
        event = Transaction(event_id=str(number), event_time=time, card="c", terminal="t", amount=1.0)
        label = None if delay is None else Offer(label_of(event, fraud=True, delay_ms=delay), "s", number)
        stream.append((Offer(event, "s", number), label))
    merged = [item.event for item in interleave(stream) if isinstance(item, Offer)]
    assert [event.event_time for event in merged] == sorted(event.event_time for event in merged)
    assert sorted(event.event_id for event in merged) == sorted(
        offer.event.event_id for pair in stream for offer in pair if offer is not None
    )
