from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from actors import alarm
from actors.alarm import Alarms, Policy, alarm_id
from actors.alarm_life import take_ack, take_alert
from models.actions import Ack, Command
from models.scores import Score

POLICY = Policy(
    commands={"fraud": "block_card", "velocity": "stop_machine"},
    command_ttl_ms=60_000,
    off_delay_ms=10_000,
    realarm_after_ms=50_000,
)


def ack_of(command: Command, outcome: Any = "succeeded", at: Any = 5) -> Ack:
    return Ack(
        command_id=command.command_id,
        entity=command.entity,
        alarm_id=command.alarm_id,
        outcome=outcome,
        reason="because",
        at=at,
    )


def test_the_first_alert_opens_an_unacknowledged_alarm_and_queues_its_command(
    alert: Callable[..., Score],
) -> None:
    alarms, (command,) = take_alert(Alarms(), alert("e1", score=0.8), 2_000, POLICY)
    opened = alarms.by_condition["fraud"]
    assert (opened.state, opened.alerts, opened.peak, opened.opened_at) == (
        "active_unacknowledged",
        1,
        0.8,
        2_000,
    )
    assert opened.commands == {command.command_id: None}
    assert (command.kind, command.event_id, command.event_time) == ("block_card", "e1", 999)
    assert (command.issued_at, command.expires_at) == (2_000, 62_000)
    assert command.alarm_id == opened.alarm_id


def test_the_worst_of_scores_that_alert_below_is_the_lowest(alert: Callable[..., Score]) -> None:
    alarms, _ = take_alert(Alarms(), alert(event_id="e1", score=0.5, below=True), 1_000, POLICY)
    alarms, _ = take_alert(alarms, alert(event_id="e2", score=0.25, below=True), 2_000, POLICY)
    alarms, _ = take_alert(alarms, alert(event_id="e3", score=0.75, below=True), 3_000, POLICY)
    assert [a.peak for a in alarms.by_condition.values()] == [0.25]


def test_a_further_alert_raises_count_and_peak_and_queues_nothing(alert: Callable[..., Score]) -> None:
    alarms, _ = take_alert(Alarms(), alert("e1", score=0.8), 2_000, POLICY)
    higher, commands = take_alert(alarms, alert("e2", score=0.95), 3_000, POLICY)
    lower, _ = take_alert(higher, alert("e3", score=0.7), 2_500, POLICY)
    raised = lower.by_condition["fraud"]
    assert commands == ()
    assert (raised.alerts, raised.peak, raised.last_alert_at) == (3, 0.95, 3_000)
    assert (raised.event_id, raised.opened_at) == ("e1", 2_000)


def test_each_condition_has_its_own_alarm(alert: Callable[..., Score]) -> None:
    alarms, first = take_alert(Alarms(), alert("e1", model="fraud"), 1, POLICY)
    alarms, second = take_alert(alarms, alert("e1", model="velocity"), 1, POLICY)
    assert set(alarms.by_condition) == {"fraud", "velocity"}
    assert first[0].command_id != second[0].command_id


def test_ids_follow_from_what_opened_the_alarm(alert: Callable[..., Score]) -> None:
    again = [take_alert(Alarms(), alert("e1"), now, POLICY)[1][0] for now in (1, 99)]
    assert again[0].command_id == again[1].command_id
    assert alarm_id(alert("e1")) != alarm_id(alert("e2"))
    assert alarm_id(alert("e1", entity="a")) != alarm_id(alert("e1", entity="b"))


def test_without_a_command_in_the_policy_the_alarm_opens_alone(alert: Callable[..., Score]) -> None:
    alarms, commands = take_alert(
        Alarms(), alert(), 1, msgspec.structs.replace(POLICY, commands={"other": "stop_machine"})
    )
    assert commands == ()
    assert alarms.by_condition["fraud"].commands == {}


@pytest.mark.parametrize("outcome", ["succeeded", "refused", "expired"])
def test_the_first_answer_is_recorded_and_later_ones_change_nothing(
    alert: Callable[..., Score], outcome: Any
) -> None:
    alarms, (command,) = take_alert(Alarms(), alert(), 1, POLICY)
    answered = take_ack(alarms, ack_of(command, outcome))
    assert answered.by_condition["fraud"].commands[command.command_id].outcome == outcome
    for late in ("succeeded", "refused", "expired"):
        assert take_ack(answered, ack_of(command, late, at=99)) is answered


def test_an_answer_to_an_unknown_command_changes_nothing(alert: Callable[..., Score]) -> None:
    alarms, (command,) = take_alert(Alarms(), alert(), 1, POLICY)
    stranger = Ack(
        command_id="other", entity="x", alarm_id=command.alarm_id, outcome="succeeded", reason="", at=1
    )
    assert take_ack(alarms, stranger) is alarms
    assert take_ack(Alarms(), ack_of(command)) == Alarms()


def test_alarms_survive_their_text(alert: Callable[..., Score]) -> None:
    alarms, (command,) = take_alert(Alarms(), alert(), 1, POLICY)
    alarms = take_ack(alarms, ack_of(command))
    assert alarm.decode(alarm.encode(alarms)) == alarms
    assert alarm.decode(None) == Alarms()
