"""What happened, from the topics; and how it differs from what would have."""

from typing import Any

import pytest
from msgspec.structs import replace

from actors.dry_run import dry_run
from ingest.memory import Bus
from ingest.settings import KafkaSettings
from models import actions, alarms, events, scores
from models.events import Label, Transaction
from models.policies.policies import BUILT_IN, parse
from models.scores import Score
from pipeline.cli import rehearsal_view
from pipeline.rehearsal.difference import of_scores, of_sets
from pipeline.rehearsal.records import events_of, happened
from pipeline.rehearsal.rehearsal import Seen, rehearsal

NOW = 1_800_000_000_000
HOUR = 3_600_000
TOKEN = "tok_" + "0" * 24
POLICIES = parse(BUILT_IN.read_text(encoding="utf-8"), "built-in")


@pytest.fixture
def bus() -> Bus:
    return Bus(KafkaSettings(bootstrap_servers="none:1"), lambda: NOW)


def score(n: int, value: float, **fields: Any) -> Score:
    values = {
        "event_id": f"e{n}", "event_time": NOW + n, "entity": f"card-{n}", "model": "fraud", "version": "1",
        "score": value, "threshold": 0.9, "features": {}, "event": {}, "arrivals": {}, "topic": "transactions",
        "partition": 0, "offset": n, "ingested_at": NOW + n,
    }  # fmt: skip
    return Score(**{**values, **fields})


def test_events_and_labels_come_in_the_order_of_their_arrival(bus: Bus) -> None:
    producer = bus.producer()
    for n, at in enumerate((30, 10, 20)):
        event = Transaction(event_id=f"t{n}", event_time=NOW + n, card=TOKEN, terminal="T", amount=1.0)
        producer.send("transactions", TOKEN, events.encode(event), timestamp_ms=NOW + at)
    label = Label(event_id="l", event_time=NOW, card=TOKEN, terminal="T", transaction_id="t1", fraud=True)
    producer.send("labels", TOKEN, events.encode(label), timestamp_ms=NOW + 15)
    producer.send("transactions", "k", b"{", timestamp_ms=NOW)
    found = [event.event_id for event in events_of(bus.read_all, "transaction", NOW, NOW + HOUR)]
    assert found == ["t1", "l", "t2", "t0"]
    assert [e.event_id for e in events_of(bus.read_all, "transaction", NOW + 1, NOW + 2)] == ["t1"]


def test_what_happened_is_that_of_the_model_and_the_span(bus: Bus) -> None:
    producer = bus.producer()
    run = dry_run([score(1, 0.95), score(2, 0.95)], POLICIES, NOW + HOUR)
    for each in (
        score(1, 0.1),
        score(1, 0.95),
        score(2, 0.95, model="other"),
        score(3, 0.95, event_time=NOW + HOUR),
    ):
        producer.send("scores", each.entity, scores.encode(each))
    for change in run.changes:
        producer.send("alarms", change.entity, alarms.encode_change(change))
    for command in run.commands:
        producer.send("commands", command.entity, actions.encode(command))
    producer.send("commands", "k", b"{")
    found = happened(bus.read_all, "fraud", NOW, NOW + HOUR, frozenset())
    assert {event_id: each.score for event_id, each in found.scores.items()} == {"e1": 0.95}
    assert [change.event_id for change in found.alarms.values()] == ["e1"]
    assert [command.event_id for command in found.commands.values()] == ["e1"]
    assert len(happened(bus.read_all, "fraud", NOW, NOW + HOUR, {"e2"}).commands) == 2


def test_scores_are_compared_event_by_event() -> None:
    then = {f"e{n}": score(n, n / 10) for n in range(4)}
    now = [score(n, n / 10 + (0.5 if n == 2 else 0.0), version="2") for n in range(6)]
    found = of_scores(then, now, top=3)
    assert (found.events, found.compared, found.versions) == (6, 4, {"1": 4})
    assert [(moved.event_id, moved.then, moved.now) for moved in found.largest] == [("e2", 0.2, 0.7)]
    assert found.mean_difference == pytest.approx(0.125)
    assert (found.then["max"], found.now["max"]) == (pytest.approx(0.3), pytest.approx(0.7))
    empty = of_scores({}, now, top=3)
    assert (empty.compared, empty.then, empty.largest) == (0, {}, ())


def test_two_sets_fall_into_three() -> None:
    found = of_sets({"a", "b"}, {"b", "c"})
    assert (found.both, found.only_then, found.only_now) == (("b",), ("a",), ("c",))


def test_a_rehearsal_tells_what_is_new_and_what_is_gone(bus: Bus) -> None:
    old = [score(1, 0.95), score(2, 0.95), score(3, 0.1)]
    new = [score(1, 0.95), score(2, 0.2), score(3, 0.99)]
    run = dry_run([each for each in old if each.is_alert], POLICIES, NOW + HOUR)
    producer = bus.producer()
    for each in old:
        producer.send("scores", each.entity, scores.encode(each))
    for change in run.changes:
        producer.send("alarms", change.entity, alarms.encode_change(change))
    for command in run.commands:
        producer.send("commands", command.entity, actions.encode(command))
    found = rehearsal(
        ("fraud", "2", 0.9),
        happened(bus.read_all, "fraud", NOW, NOW + HOUR, frozenset()),
        [replace(each, version="2") for each in new],
        lambda alerts: dry_run(alerts, POLICIES, NOW + HOUR),
        seen=Seen(NOW - HOUR, NOW),
        top=5,
    )
    assert (found.alerts.both, found.alerts.only_then, found.alerts.only_now) == (("e1",), ("e2",), ("e3",))
    assert (found.alarms.happened, found.alarms.again, found.alarms.now) == (2, 2, 2)
    assert found.alarms.against_happened == found.alarms.against_again
    assert [len(ids) for ids in vars(found.commands.against_happened).values()] == [1, 1, 1]
    assert found.commands_by_kind == {"block_card": 2}
    lines = list(rehearsal_view.told(found))
    assert "alerts  1 both, 1 only then (e2), 1 only now (e3)" in lines
    assert any("features look back to" in line for line in lines)
