"""What silence and the end of a shelf do, and what an alert does afterwards."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from actors import alarm
from actors.alarm import Alarms, Policy, Shelf, shown
from actors.alarm_life import take_ack, take_alert
from actors.silence import due_at, settle, settle_all
from models.actions import Ack
from models.scores import Score

POLICY = Policy(
    commands={"fraud": "block_card"}, command_ttl_ms=60_000, off_delay_ms=100, realarm_after_ms=50
)
Alert = Callable[..., Score]


def acknowledged(alarms: Alarms, at: int) -> Alarms:
    latest = alarms.by_condition["fraud"]
    return alarm.with_alarm(alarms, replace(latest, state="active_acknowledged", acknowledged_at=at))


def seen(alarms: Alarms) -> str:
    return shown(alarms, alarms.by_condition["fraud"])


def test_an_alarm_returns_when_it_was_silent_for_the_off_delay(alert: Alert) -> None:
    alarms, _ = take_alert(Alarms(), alert("e1"), 1_000, POLICY)
    assert due_at(alarms, alarms.by_condition["fraud"], POLICY) == 1_100
    assert settle(alarms, "fraud", 1_099, POLICY) is alarms
    returned = settle(alarms, "fraud", 5_000, POLICY)
    assert seen(returned) == "returned_unacknowledged"
    assert returned.by_condition["fraud"].returned_at == 1_100, "whenever that is noticed"
    assert due_at(returned, returned.by_condition["fraud"], POLICY) is None
    assert settle(returned, "fraud", 9_000, POLICY) is returned


def test_every_alert_starts_the_silence_anew(alert: Alert) -> None:
    alarms, _ = take_alert(Alarms(), alert("e1"), 1_000, POLICY)
    alarms, _ = take_alert(alarms, alert("e2"), 1_099, POLICY)
    assert seen(settle(alarms, "fraud", 1_198, POLICY)) == "active_unacknowledged"
    assert seen(settle(alarms, "fraud", 1_199, POLICY)) == "returned_unacknowledged"


def test_an_acknowledged_alarm_that_returns_is_over_and_the_next_alert_opens_another(alert: Alert) -> None:
    alarms, (first,) = take_alert(Alarms(), alert("e1"), 1_000, POLICY)
    alarms, (second,) = take_alert(acknowledged(alarms, 1_001), alert("e2"), 2_000, POLICY)
    opened = alarms.by_condition["fraud"]
    assert (opened.alarm_id, opened.alerts, opened.state) == (second.alarm_id, 1, "active_unacknowledged")
    assert first.alarm_id != second.alarm_id
    assert [(a.alarm_id, a.state) for a in alarms.past] == [(first.alarm_id, "closed")]


def test_an_alert_after_the_return_raises_the_alarm_that_nobody_acknowledged(alert: Alert) -> None:
    alarms, (command,) = take_alert(Alarms(), alert("e1"), 1_000, POLICY)
    alarms, commands = take_alert(alarms, alert("e2"), 9_000, POLICY)
    again = alarms.by_condition["fraud"]
    assert (again.alarm_id, again.state, again.returned_at) == (
        command.alarm_id,
        "active_unacknowledged",
        None,
    )
    assert (again.alerts, commands) == (2, ())


def test_an_acknowledgement_holds_for_a_time_only(alert: Alert) -> None:
    alarms, _ = take_alert(Alarms(), alert("e1"), 1_000, POLICY)
    held, _ = take_alert(acknowledged(alarms, 1_000), alert("e2"), 1_049, POLICY)
    assert seen(held) == "active_acknowledged"
    again, commands = take_alert(held, alert("e3"), 1_050, POLICY)
    assert (seen(again), commands) == ("active_unacknowledged", ())


@pytest.mark.parametrize("aside", [{"shelves": {"fraud": Shelf(until=None)}}, {"out_of_service": ("fraud",)}])
def test_a_condition_set_aside_takes_alerts_and_queues_nothing(
    alert: Alert, aside: dict[str, object]
) -> None:
    alarms, commands = take_alert(Alarms(**aside), alert("e1"), 1_000, POLICY)
    assert commands == ()
    assert seen(alarms) == ("shelved" if "shelves" in aside else "out_of_service")


def test_a_timed_shelf_ends_by_itself_and_covers_alarms_that_open_meanwhile(alert: Alert) -> None:
    alarms = Alarms(shelves={"fraud": Shelf(until=1_050)})
    early, none = take_alert(alarms, alert("e1"), 1_049, POLICY)
    assert (seen(early), none) == ("shelved", ())
    assert due_at(early, early.by_condition["fraud"], POLICY) == 1_050
    assert seen(settle_all(early, 1_050, POLICY)) == "active_unacknowledged"
    _, (command,) = take_alert(alarms, alert("e1"), 1_050, POLICY)
    assert command.kind == "block_card"


def test_a_one_shot_shelf_ends_when_the_alarm_returns(alert: Alert) -> None:
    alarms, _ = take_alert(Alarms(), alert("e1"), 1_000, POLICY)
    alarms = replace(alarms, shelves={"fraud": Shelf(until=None)})
    assert seen(settle(alarms, "fraud", 1_099, POLICY)) == "shelved"
    returned = settle(alarms, "fraud", 1_100, POLICY)
    assert (seen(returned), returned.shelves) == ("returned_unacknowledged", {})


def test_an_answer_finds_the_alarm_that_another_one_has_followed(alert: Alert) -> None:
    alarms = Alarms()
    commands = []
    for number in range(4):
        alarms, queued = take_alert(alarms, alert(f"e{number}"), number * 1_000, POLICY)
        commands += queued
        alarms = acknowledged(alarms, number * 1_000)
    assert [a.alarm_id for a in alarms.past] == [c.alarm_id for c in commands[:3]]
    for command in commands[:2]:
        answer = Ack(
            command_id=command.command_id,
            entity=command.entity,
            alarm_id=command.alarm_id,
            outcome="succeeded",
            reason="",
            at=7,
        )
        alarms = take_ack(alarms, answer)
        assert take_ack(alarms, answer) is alarms
    alarms, _ = take_alert(alarms, alert("e9"), 9_000, POLICY)
    assert [a.alarm_id for a in alarms.past] == [c.alarm_id for c in commands[2:]], "what is answered may go"


def test_a_state_from_before_these_states_is_read_and_settles() -> None:
    text = (
        '{"by_condition":{"fraud":{"alarm_id":"a","condition":"fraud","state":"active_unacknowledged","event_id":"e",'
        '"event_time":1,"opened_at":5,"last_alert_at":7,"alerts":2,"peak":0.9,"commands":{"c":null}}}}'
    )
    assert seen(settle_all(alarm.decode(text), 107, POLICY)) == "returned_unacknowledged"
