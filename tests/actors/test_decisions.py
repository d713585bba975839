from collections.abc import Callable
from dataclasses import replace

from actors.alarm import Policy
from actors.decisions import advance, alarm_rows, decide, mark_sent, queued
from models.actions import Ack, decode_command
from models.scores import Score
from storage.entities import EMPTY, Snapshot

POLICY = Policy(
    commands={"fraud": "block_card", "other": "stop_machine"},
    command_ttl_ms=60_000,
    off_delay_ms=10_000,
    realarm_after_ms=50_000,
)


def saved(snapshot: Snapshot, *messages: Score | Ack) -> Snapshot:
    change = decide(snapshot, messages, 5_000, POLICY)
    assert change is not None
    return advance(snapshot, change, snapshot.version + 1)


def ack_of(snapshot: Snapshot) -> Ack:
    command = decode_command(snapshot.commands[0].body.encode())
    return Ack(
        command_id=command.command_id,
        entity=command.entity,
        alarm_id=command.alarm_id,
        outcome="succeeded",
        reason="",
        at=6_000,
    )


def test_many_alerts_of_an_entity_are_one_change(alert: Callable[..., Score]) -> None:
    change = decide(EMPTY, [alert("e1"), alert("e2"), alert("e1"), alert("e1", model="other")], 1, POLICY)
    assert change is not None
    assert change.alerts == ("e1/fraud", "e2/fraud", "e1/other")
    assert [row.status for row in change.commands] == ["queued", "queued"]


def test_nothing_new_is_no_change(alert: Callable[..., Score]) -> None:
    snapshot = saved(EMPTY, alert("e1"))
    assert decide(snapshot, [alert("e1")], 9, POLICY) is None
    answered = saved(snapshot, ack_of(snapshot))
    assert decide(answered, [ack_of(snapshot)], 9, POLICY) is None


def test_an_answer_outruns_the_mark_that_its_command_was_sent(alert: Callable[..., Score]) -> None:
    snapshot = saved(EMPTY, alert("e1"))
    (row,) = queued(snapshot)
    answered = saved(snapshot, ack_of(snapshot))
    assert queued(answered) == ()
    assert mark_sent(answered, [row.command_id]) is None


def test_an_alarm_keeps_its_outcome_when_its_command_left_the_outbox(alert: Callable[..., Score]) -> None:
    opened = saved(EMPTY, alert("e1"))
    answered = saved(opened, ack_of(opened))
    for snapshot, status in ((opened, None), (answered, "succeeded")):
        emptied = replace(snapshot, commands=())
        (row,) = alarm_rows("card", emptied, [alert("e1")], POLICY)
        assert row.command_status == status


def test_the_list_shows_the_alarms_that_were_spoken_of(alert: Callable[..., Score]) -> None:
    snapshot = saved(EMPTY, alert("e1"), alert("e1", model="other"))
    rows = alarm_rows("card", snapshot, [alert("e1", model="other")], POLICY)
    assert [(row.condition, row.version, row.opened_at) for row in rows] == [("other", 1, 5_000)]
    (row,) = alarm_rows("card", snapshot, [ack_of(snapshot)], POLICY)
    assert row.command_id == snapshot.commands[0].command_id
