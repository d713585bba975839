"""Recorded events through a model by the SQL of histories."""

import random
from pathlib import Path

import pytest
from fraud_artifact import handmade

from infra.embedded.java import java_binary
from models.events import Event, Label, Transaction
from models.fraud import FRAUD
from models.reference import by_definition
from processing.history import write_history
from processing.labelled import Span
from processing.rehearsal import RECORDED, score_recorded

HOUR = 3_600_000
FIRST = 1_546_300_800_000


def world() -> list[Event]:
    chance = random.Random(7)
    arrived: list[Event] = []
    for n in range(120):
        card = f"tok_{chance.randrange(5):024x}"
        keys = {"event_time": FIRST + n * HOUR, "card": card, "terminal": f"T{n % 3}"}
        arrived.append(Transaction(event_id=f"e{n}", amount=float(chance.randrange(300)), **keys))
        if n % 10 == 9:
            arrived.append(Label(event_id=f"l{n}", transaction_id=f"e{n - 9}", fraud=n % 20 == 9, **keys))
    return arrived


@pytest.mark.spark
def test_scores_are_those_of_the_definition_within_the_span(tmp_path: Path) -> None:
    arrived, file = world(), tmp_path / "history.parquet"
    write_history(arrived, Transaction, file)
    artifact = handmade("amount / 200D", 1.0)
    span = Span(FIRST + 40 * HOUR, FIRST + 100 * HOUR)
    found = score_recorded(artifact, file, span, java=java_binary(), memory="1g")
    assert [score.event_id for score in found] == [f"e{n}" for n in range(40, 100)]
    amounts = {event.event_id: event.amount for event in arrived if isinstance(event, Transaction)}
    assert all(score.score == amounts[score.event_id] / 200 for score in found)
    assert {(score.topic, score.version, score.threshold) for score in found} == {(RECORDED, "1", 1.0)}
    expected = by_definition(Transaction, FRAUD.features, arrived)
    for score in found:
        for name, value in score.features.items():
            assert value == pytest.approx(expected[score.event_id][name], rel=1e-9, abs=1e-9), name
