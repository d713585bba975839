from typing import Any, get_args

import msgspec
import pytest

from models import cases, events
from models.cases import AlarmSeen, AlertSeen, CommandSeen, Evidence, EvidenceKind
from models.events import Label
from models.scores import Reason, Score

CARD = "tok_" + "0" * 24


def score(**changed: Any) -> Score:
    values: dict[str, Any] = {
        "event_id": "tx1",
        "event_time": 1_000,
        "entity": CARD,
        "model": "fraud",
        "version": "1",
        "score": 0.9,
        "threshold": 0.5,
        "features": {"a": 1.0, "b": None},
        "event": {"card": CARD, "terminal": "T1", "amount": 3.5},
        "arrivals": {},
        "topic": "transactions",
        "partition": 0,
        "offset": 7,
        "ingested_at": 1_005,
        "reasons": [Reason("a", 0.5)],
    }
    return Score(**{**values, **changed})


def test_the_kinds_of_evidence_are_the_tags_of_its_types() -> None:
    tags = {kind.__struct_config__.tag for kind in get_args(Evidence)}
    assert tags == set(get_args(EvidenceKind))
    assert {AlarmSeen, AlertSeen, CommandSeen} == set(get_args(Evidence))


def test_evidence_survives_as_text() -> None:
    seen = AlertSeen(alert_id="tx1/fraud", joined_at=9, digest="d", score=score())
    assert cases.decode(cases.encode(seen)) == seen


def test_a_digest_tells_alerts_apart_and_nothing_else() -> None:
    one = score()
    assert cases.digest_of(score(features={"b": None, "a": 1.0})) == cases.digest_of(one)
    assert cases.digest_of(msgspec.structs.replace(one, offset=8)) != cases.digest_of(one)
    assert cases.digest_of(score(features={"a": 1.0 + 2e-16, "b": None})) != cases.digest_of(one)


@pytest.mark.parametrize(
    ("event", "terminal"),
    [
        ({"card": CARD, "terminal": "T1", "amount": 3.5}, "T1"),
        ({"card": CARD, "terminal": "", "amount": 3.5}, None),
        ({"card": "tok_" + "1" * 24, "terminal": "T1"}, None),
        ({"machine": "pump-1", "measurements": {"heat": 3.0}}, None),
        ({}, None),
    ],
)
def test_only_a_transaction_of_the_entity_has_a_terminal(event: dict[str, Any], terminal: str | None) -> None:
    assert cases.terminal_of(score(event=event)) == terminal


def test_a_label_of_a_case_is_an_event_like_any_other() -> None:
    label = cases.label_of("case-1", "tx1", CARD, "T1", fraud=True, known_at=5_000)
    assert events.decode(events.encode(label)) == label
    assert isinstance(label, Label)
    assert (label.key, label.transaction_id, label.terminal, label.fraud) == (CARD, "tx1", "T1", True)
    assert label.event_time == 5_000


def test_the_id_of_a_label_follows_from_case_and_transaction_alone() -> None:
    def named(case_id: str, transaction: str, known_at: int = 1) -> str:
        return cases.label_of(case_id, transaction, CARD, "T", fraud=True, known_at=known_at).event_id

    assert named("case-1", "tx1") == named("case-1", "tx1", known_at=2)
    assert len({named("case-1", "tx1"), named("case-1", "tx2"), named("case-2", "tx1")}) == 3


def test_the_worse_of_two_severities() -> None:
    assert cases.severer("high", "low") == cases.severer("low", "high") == "high"
