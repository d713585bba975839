"""Verification of a whole pipeline in memory: clean when it is, and every planted fault caught where it lies."""

import threading
from typing import Any

import msgspec
import pytest

from models import actions, events, scores
from models.actions import Ack
from models.events import Transaction
from models.operations import ALL_COMMANDS
from pipeline.reconcile import Reconciliation
from pipeline.verify import Scored
from storage.alarms import AlarmRow

Pipeline = Any  # tests/pipeline/conftest.py: SmallPipeline

ACCEPTED = "t-transactions for fraud: accepted = scored + dead-lettered + late"
REFUSED = "t-transactions: invalid = dead-lettered"
REFUSED_LABELS = "t-labels: invalid = dead-lettered"
ONE_VERSION = "each event acted on by one version"
AUDITED = "operations taken = audited"
DAY_MS = 86_400_000


def broken(found: Reconciliation) -> set[str]:
    return {stage.name for stage in found.stages if not stage.clean}


def stage(found: Reconciliation, name: str) -> Any:
    return next(s for s in found.stages if s.name == name)


@pytest.fixture
def busy(pipeline: Pipeline) -> Pipeline:
    pipeline.transactions(50)
    pipeline.labels(20)
    pipeline.garbage("transactions")
    pipeline.garbage("labels")
    pipeline.run()
    return pipeline


def test_a_pipeline_that_worked_is_clean_and_its_counts_add_up(busy: Pipeline) -> None:
    found = busy.verify()
    assert broken(found) == set()
    counts = stage(found, ACCEPTED).counts
    assert counts == {
        "accepted": 51, "scored": 50, "dead-lettered": 1, "late": 0, "repeated events": 0,
    }  # fmt: skip
    assert stage(found, REFUSED_LABELS).counts == {"valid": 20, "invalid": 1}
    assert stage(found, "alerts = taken by an alarm").given == 10
    assert stage(found, "one open alarm per entity and condition").given == 2
    recorded = stage(found, "commands acknowledged = recorded").counts
    assert sum(recorded.values()) == recorded.get("succeeded", 0) + recorded.get("refused", 0) == 2


def test_each_model_has_to_score_the_events_that_it_sees(busy: Pipeline) -> None:
    busy.models = (*busy.models, Scored("second", Transaction, {"terminal": "T1"}))
    assert len(stage(busy.verify(), ACCEPTED.replace("fraud", "second")).missing) == 50
    busy.models = (*busy.models[:1], Scored("second", Transaction, {"terminal": "T2"}))
    found = busy.verify()
    assert found.clean
    assert stage(found, ACCEPTED.replace("fraud", "second")).counts["accepted"] == 1


def test_nothing_at_all_is_clean(pipeline: Pipeline) -> None:
    assert pipeline.verify().clean


def test_redelivery_everywhere_is_counted_and_stays_clean(busy: Pipeline) -> None:
    for topic in ("scores", "alerts", "commands", "acks", "dead-letters"):
        for record in busy.records(topic):
            busy.producer.send(topic, record.key, record.value)
    busy.settle()
    found = busy.verify()
    assert broken(found) == set()
    assert stage(found, "scored = stored").counts["duplicates"] == 50
    assert found.information["duplicate dead letters"] == 2


def test_an_event_that_the_query_lost_is_named_by_its_place(pipeline: Pipeline) -> None:
    pipeline.transactions(20)
    pipeline.run(drop=lambda record: record.offset == 7)
    found = pipeline.verify()
    assert broken(found) == {ACCEPTED}
    assert stage(found, ACCEPTED).missing == ("t-transactions/0/7 (tx7)",)


def test_an_event_behind_the_watermark_is_late_when_spark_says_it_dropped_rows(pipeline: Pipeline) -> None:
    pipeline.transactions(5)
    pipeline.transactions(1, first=5, event_time=1_799_000_000_000 - 2 * DAY_MS)
    pipeline.run(drop=lambda record: record.offset == 5)
    assert stage(pipeline.verify(), ACCEPTED).missing == ("t-transactions/0/5 (tx5)",)
    pipeline.dropped_late = 2
    found = pipeline.verify()
    assert found.clean
    assert stage(found, ACCEPTED).notes == ("t-transactions/0/5 (tx5)",)
    assert stage(found, ACCEPTED).counts["late"] == 1


def test_a_late_event_does_not_excuse_one_that_was_in_time(pipeline: Pipeline) -> None:
    pipeline.transactions(5)
    pipeline.transactions(1, first=5, event_time=1_799_000_000_000 - 2 * DAY_MS)
    pipeline.dropped_late = 1
    pipeline.run(drop=lambda record: record.offset in {4, 5})
    assert stage(pipeline.verify(), ACCEPTED).missing == ("t-transactions/0/4 (tx4)",)


def test_a_refused_record_without_dead_letter_is_missing(pipeline: Pipeline) -> None:
    pipeline.transactions(3)
    pipeline.run()
    pipeline.garbage("transactions")
    found = pipeline.verify()
    assert stage(found, REFUSED).missing == ("t-transactions/0/3",)
    assert stage(found, ACCEPTED).missing == ("t-transactions/0/3",)


def test_a_valid_event_that_is_scored_and_refused_is_caught_twice(busy: Pipeline) -> None:
    busy.refuse(busy.records("transactions")[4])
    found = busy.verify()
    assert stage(found, ACCEPTED).repeated == ("t-transactions/0/4 (tx4)",)
    assert stage(found, REFUSED).phantoms == ("t-transactions/0/4 (tx4)",)


def test_a_score_of_an_event_that_never_was_is_a_phantom(busy: Pipeline) -> None:
    record = busy.records("transactions")[4]
    event = events.decode(record.value)
    assert isinstance(event, Transaction)
    busy.emit(busy.score(record._replace(offset=999), msgspec.structs.replace(event, event_id="ghost")))
    busy.settle()
    found = busy.verify()
    assert broken(found) == {ACCEPTED}
    assert stage(found, ACCEPTED).phantoms == ("t-transactions/0/999",)


def test_a_score_that_is_not_stored_is_missing(busy: Pipeline) -> None:
    busy.scores._rows.pop(next(iter(busy.scores._rows)))
    found = busy.verify()
    assert broken(found) == {"scored = stored"}
    assert len(stage(found, "scored = stored").missing) == 1


def test_a_stored_score_that_was_never_made_is_a_phantom(busy: Pipeline) -> None:
    kept = busy.records("scores")
    where = ("t-scores", kept[0].partition)
    busy.bus.logs[where] = []
    assert "scored = stored" in broken(busy.verify())


def test_a_topic_whose_beginning_is_gone_makes_no_phantoms_of_what_was_stored(busy: Pipeline) -> None:
    for where, log in busy.bus.logs.items():
        if where[0] == "t-scores":
            busy.bus.logs[where] = log[1:]
    assert stage(busy.verify(), "scored = stored").clean


def test_source_records_deleted_by_retention_make_no_phantoms(busy: Pipeline) -> None:
    busy.bus.logs["t-transactions", 0] = busy.bus.logs["t-transactions", 0][10:]
    assert busy.verify().clean


def test_an_alert_that_was_not_routed_is_missing(busy: Pipeline) -> None:
    score = scores.decode(busy.records("scores")[0].value)
    lost = msgspec.structs.replace(score, event_id="tx-lost", score=0.99)
    busy.producer.send("scores", lost.entity, scores.encode(lost))
    busy.settle()
    assert stage(busy.verify(), "scores over the threshold = alerts").missing == ("tx-lost/fraud",)


def test_events_are_counted_by_the_version_that_acts(busy: Pipeline) -> None:
    busy.version = "2"
    busy.transactions(5, first=50)
    busy.run()
    found = stage(busy.verify(), ONE_VERSION)
    assert found.clean
    assert found.counts == {"fraud 1": 50, "fraud 2": 5}


@pytest.mark.parametrize("topics", [("scores",), ("alerts",), ("scores", "alerts")])
def test_an_event_that_two_versions_act_on_is_caught(busy: Pipeline, topics: tuple[Any, ...]) -> None:
    score = scores.decode(busy.records("alerts")[0].value)
    again = msgspec.structs.replace(score, version="2")
    for topic in topics:
        busy.producer.send(topic, again.entity, scores.encode(again))
    busy.settle()
    found = busy.verify()
    assert broken(found) == {ONE_VERSION}
    assert stage(found, ONE_VERSION).repeated == (f"{score.event_id}/fraud",)


def test_an_alert_that_no_actor_took_is_missing(busy: Pipeline) -> None:
    record = busy.records("transactions")[5]
    event = events.decode(record.value)
    assert isinstance(event, Transaction)
    busy.emit(busy.score(record, msgspec.structs.replace(event, event_id="untaken")))
    found = busy.verify()
    assert stage(found, "alerts = taken by an alarm").missing == ("untaken/fraud",)


def test_a_second_alarm_of_one_card_and_model_is_caught(busy: Pipeline) -> None:
    first = busy.entities.latest_alarms(1)[0]
    busy.entities.record_alarm(
        AlarmRow(
            alarm_id="alarm-other",
            entity=first.entity,
            condition=first.condition,
            opened_at=first.opened_at,
            version=1,
            state=first.state,
            event_id="tx9",
            alerts=1,
        )
    )
    found = busy.verify()
    assert broken(found) == {"one open alarm per entity and condition"}


def test_a_second_command_for_one_alarm_is_caught(busy: Pipeline) -> None:
    command = busy.commands()[0]
    other = msgspec.structs.replace(command, command_id="command-other")
    busy.producer.send("commands", other.entity, actions.encode(other))
    found = busy.verify()
    assert stage(found, "one command per alarm and kind").repeated == (
        "/".join([f"{command.alarm_id}/{command.kind}", *sorted([command.command_id, "command-other"])]),
    )
    assert stage(found, "commands released = published").phantoms == ("command-other",)


def test_a_second_effect_in_the_ledger_is_caught(busy: Pipeline) -> None:
    effect = busy.ledger.effects()[0]
    busy.ledger._connection.execute("insert into effects values (?, ?, ?, ?)", tuple(effect))
    found = busy.verify()
    assert broken(found) == {"each command carried out once"}
    assert stage(found, "each command carried out once").repeated == (effect.command_id,)


def test_an_answer_that_the_alarm_does_not_record_is_caught(pipeline: Pipeline) -> None:
    pipeline.transactions(10)
    pipeline.run()
    answered = actions.decode_ack(pipeline.records("acks")[0].value)
    other = Ack(
        command_id=answered.command_id,
        entity=answered.entity,
        outcome="expired",
        reason="",
        at=0,
    )
    pipeline.producer.send("acks", other.entity, actions.encode(other))
    found = pipeline.verify()
    assert broken(found) == {"one answer per command", "commands acknowledged = recorded"}


def test_a_device_that_says_late_that_it_obeyed_puts_an_expiry_right(pipeline: Pipeline) -> None:
    pipeline.transactions(10)
    pipeline.run(answering=False)
    for command in pipeline.commands():
        gone = Ack(command_id=command.command_id, entity=command.entity, outcome="expired", reason="", at=0)
        pipeline.producer.send("acks", gone.entity, actions.encode(gone))
    pipeline.settle()
    found = pipeline.verify()
    assert broken(found) == set()
    answered = stage(found, "one answer per command")
    assert answered.counts["answered late"] == answered.given == len(pipeline.commands()) > 0
    assert stage(found, "commands acknowledged = recorded").counts == {
        "succeeded": answered.given,
        "pending": 0,
    }


@pytest.fixture
def operated(busy: Pipeline) -> Pipeline:
    """Two alarms acknowledged, one of them in vain twice, silent, and alerts that open the next ones."""
    rows = busy.entities.latest_alarms(9)
    for number, row in enumerate([*rows, rows[0]]):
        busy.operate("acknowledge", f"o{number}", row)
    busy.settle()
    busy.fall_silent()
    busy.transactions(50, first=50)
    busy.run()
    return busy


def test_several_alarms_of_one_condition_over_time_are_clean(operated: Pipeline) -> None:
    found = operated.verify()
    assert broken(found) == set()
    assert stage(found, "one open alarm per entity and condition").counts == {
        "open alarms": 2, "duplicates": 0, "closed alarms": 2,
    }  # fmt: skip
    assert stage(found, "one command per alarm and kind").given == 4
    assert stage(found, AUDITED).counts == {"applied": 2, "refused": 1, "duplicates": 0}


def test_an_operation_that_comes_again_is_counted_and_stays_clean(operated: Pipeline) -> None:
    for record in operated.records("operations"):
        operated.producer.send("operations", record.key, record.value)
    operated.settle()
    found = operated.verify()
    assert found.clean
    assert stage(found, AUDITED).counts == {"applied": 2, "refused": 1, "duplicates": 3}


def test_an_operation_without_audit_and_an_audit_without_operation_are_caught(operated: Pipeline) -> None:
    entry = operated.entities._entries.pop("o1")
    assert stage(operated.verify(), AUDITED).missing == ("o1",)
    operated.entities.record_audit(entry)
    ghost = msgspec.structs.replace(entry.operation, operation_id="ghost")
    operated.entities.record_audit(msgspec.structs.replace(entry, operation=ghost))
    found = operated.verify()
    assert broken(found) == {AUDITED}
    assert stage(found, AUDITED).phantoms == ("ghost",)


def test_the_stop_of_all_commands_needs_no_operation(operated: Pipeline) -> None:
    entry = operated.entities._entries["o1"]
    stop = msgspec.structs.replace(entry.operation, operation_id="stop", entity=ALL_COMMANDS)
    operated.entities.record_audit(msgspec.structs.replace(entry, operation=stop))
    assert operated.verify().clean


def test_an_audit_that_outlives_the_topic_is_no_phantom(operated: Pipeline) -> None:
    for where in list(operated.bus.logs):
        if where[0] == "t-operations":
            operated.bus.logs[where] = []
    operated.entities._entities.clear()
    assert stage(operated.verify(), AUDITED).clean


def test_what_is_under_way_is_a_note_where_it_may_be(pipeline: Pipeline) -> None:
    pipeline.transactions(1)
    pipeline._query(lambda _: False)
    pipeline._writer.step(threading.Event())
    pipeline._act()
    found = pipeline.verify()
    assert found.clean
    assert stage(found, "commands acknowledged = recorded").counts["pending"] == 1


def test_malformed_records_inside_the_pipeline_are_counted(busy: Pipeline) -> None:
    for topic in ("scores", "commands", "acks", "operations", "dead-letters"):
        busy.producer.send(topic, "x", b"nonsense")
    information = busy.verify().information
    assert [count for name, count in information.items() if name.startswith("malformed")] == [
        1,
        0,
        1,
        1,
        1,
        1,
    ]
