"""The drill's offline recomputation is the definition of its model, in any order of arrival; what is wrong shows."""

import random
from collections import Counter
from collections.abc import Sequence

import pytest
from fraud_world import START, world

from models.events import Event, Label, Transaction
from models.reference import by_definition
from pipeline.drill.model import FEATURES
from pipeline.drill.recompute import TOLERANCE, Recomputation


def arrival(seed: int) -> list[Event]:
    """Return events that came a little out of order."""
    rng, events = random.Random(seed), world(seed, 300, days=60)
    for _ in range(40):
        n = rng.randrange(len(events) - 1)
        events[n], events[n + 1] = events[n + 1], events[n]
    return events


def fed(recomputed: Recomputation, events: Sequence[Event]) -> dict[str, tuple[tuple[int, int], int, int]]:
    """Feed events in; return place, events and labels of the terminal for each transaction."""
    told, labels, sales = {}, Counter[str](), Counter[str]()
    for offset, event in enumerate(events):
        if isinstance(event, Label):
            recomputed.label(event)
            labels[event.terminal] += 1
        elif isinstance(event, Transaction):
            recomputed.transaction((0, offset), event)
            sales[event.terminal] += 1
            told[event.event_id] = ((0, offset), sales[event.terminal], labels[event.terminal])
    return told


@pytest.mark.parametrize("seed", [1, 2])
def test_it_equals_the_definition(seed: int) -> None:
    events = arrival(seed)
    expected = by_definition(Transaction, FEATURES, events)
    recomputed = Recomputation(START, once=False)
    for event_id, (place, sales, labels) in fed(recomputed, events).items():
        score = expected[event_id]["suspicion"]
        assert score is not None
        assert recomputed.difference(place, score, events=sales, labels=labels) < TOLERANCE
        assert recomputed.difference(place, score + 1e-6, events=sales, labels=labels) > TOLERANCE


def test_a_score_of_what_never_arrived_or_was_counted_twice_is_infinitely_wrong() -> None:
    recomputed = Recomputation(START, once=False)
    place, sales, labels = fed(recomputed, world(3, 50, days=10))["7"]
    assert recomputed.difference((0, 999), 1.0, events=1, labels=0) == float("inf")
    assert recomputed.difference(place, 1.0, events=sales + 1, labels=labels) == float("inf")
    assert recomputed.difference(place, 1.0, events=sales, labels=99) == float("inf")


def test_an_event_that_comes_again_counts_once_where_asked() -> None:
    events = world(4, 80, days=10)
    again = [events[n // 2] for n in range(2 * len(events))]
    expected = by_definition(Transaction, FEATURES, events)
    once = Recomputation(START, once=True)
    fed(once, again)
    told = fed(Recomputation(START, once=False), events)
    for offset, event in enumerate(again):
        if isinstance(event, Transaction):
            _, sales, labels = told[event.event_id]
            score = expected[event.event_id]["suspicion"]
            assert score is not None
            assert once.difference((0, offset), score, events=sales, labels=labels) < TOLERANCE
