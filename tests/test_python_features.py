"""The benchmarks' Python features are the fraud model's."""

import pytest
from fraud_world import world

from benchmarks.python_features import CardFeatures, TerminalFeatures
from models.events import Label, Transaction
from models.fraud import FRAUD
from models.reference import by_definition


def test_they_equal_the_definition() -> None:
    arrived = world(8, 600, days=60)
    expected = by_definition(Transaction, FRAUD.features, arrived)
    cards: dict[str, CardFeatures] = {}
    terminals: dict[str, TerminalFeatures] = {}
    for event in arrived:
        if isinstance(event, Label):
            terminals.setdefault(event.terminal, TerminalFeatures()).label(
                event.event_time, fraud=event.fraud
            )
        elif isinstance(event, Transaction):
            card = cards.setdefault(event.card, CardFeatures()).take(
                event.event_time, event.event_id, event.amount
            )
            values = card | terminals.setdefault(event.terminal, TerminalFeatures()).take(
                event.event_time, card
            )
            assert values == pytest.approx(expected[event.event_id], rel=1e-9, abs=1e-7)
