"""What silence does, what an alert does afterwards, and how attention goes stale."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from actors import entity
from actors.alarm import Alarm, Alarms, shown, with_alarm
from actors.alarm_life import take_alert
from actors.attention import attended
from actors.timers import due_at, settle_all
from models.policies.policies import Policies, parse
from models.scores import Score

Alert = Callable[..., Score]


def policies_of(text: str) -> Policies:
    return parse(f'[alarms.default]\noff_delay = "100ms"\nrealarm_after = "50ms"\n{text}', "this test")


PLAIN = policies_of("")
LATCHED = policies_of("latched = true")
STALE = policies_of('stale_after = "70ms"')


def opened(alert: Alert, at: int = 1_000, policies: Policies = PLAIN) -> Alarms:
    return take_alert(Alarms(), alert("e1", arrived=at), at, policies)[0]


def latest(alarms: Alarms) -> Alarm:
    return alarms.by_condition["fraud"]


def acknowledged(alarms: Alarms, at: int) -> Alarms:
    return with_alarm(alarms, attended(latest(alarms), "active_acknowledged", at))


def settled(alarms: Alarms, at: int, policies: Policies = PLAIN) -> tuple[Alarms, list[str]]:
    after, transitions = settle_all(alarms, "card", at, policies)
    return after, [transition.change for transition in transitions]


def taken(alarms: Alarms, alert: Score, at: int, policies: Policies = PLAIN) -> tuple[Alarms, list[str]]:
    after, transitions = take_alert(alarms, alert, at, policies)
    return after, [transition.change for transition in transitions]


def seen(alarms: Alarms) -> str:
    return shown(alarms, latest(alarms))


def test_an_alarm_returns_when_it_was_silent_for_the_off_delay(alert: Alert) -> None:
    alarms = opened(alert)
    assert due_at(alarms, latest(alarms), PLAIN) == 1_100
    assert settled(alarms, 1_099) == (alarms, [])
    returned, changes = settled(alarms, 5_000)
    assert (seen(returned), changes) == ("returned_unacknowledged", ["returned"])
    assert latest(returned).returned_at == 1_100, "whenever that is noticed"
    assert due_at(returned, latest(returned), PLAIN) is None
    assert settled(returned, 9_000) == (returned, [])


def test_every_alert_starts_the_silence_anew(alert: Alert) -> None:
    alarms, _ = taken(opened(alert), alert("e2", arrived=1_099), 1_099)
    assert seen(settled(alarms, 1_198)[0]) == "active_unacknowledged"
    assert seen(settled(alarms, 1_199)[0]) == "returned_unacknowledged"


def test_an_acknowledged_alarm_that_returns_is_over_and_the_next_alert_opens_another(alert: Alert) -> None:
    first = acknowledged(opened(alert), 1_001)
    alarms, changes = taken(first, alert("e2", arrived=2_000), 2_000)
    assert changes == ["returned", "closed", "opened"]
    assert (latest(alarms).event_id, latest(alarms).alerts) == ("e2", 1)
    assert [(a.alarm_id, a.state) for a in alarms.past] == [(latest(first).alarm_id, "closed")]


def test_an_alert_after_the_return_raises_the_alarm_that_nobody_acknowledged(alert: Alert) -> None:
    alarms, changes = taken(opened(alert), alert("e2", arrived=9_000), 9_000)
    assert changes == ["returned", "reactivated"]
    assert (latest(alarms).event_id, latest(alarms).alerts) == ("e1", 2)
    assert (latest(alarms).state, latest(alarms).returned_at) == ("active_unacknowledged", None)


def test_alerts_that_waited_while_the_worker_was_away_are_no_silence(alert: Alert) -> None:
    alarms = acknowledged(opened(alert), 1_000)
    for n, arrived in enumerate((1_090, 1_180, 1_270)):
        alarms, changes = taken(alarms, alert(f"late{n}", arrived=arrived), 9_000 + n)
        assert changes == (["realarmed"] if n == 0 else [])
    assert latest(alarms).alerts == 4


def test_a_real_silence_among_alerts_that_waited_is_one(alert: Alert) -> None:
    _, changes = taken(opened(alert), alert("late", arrived=1_100), 9_000)
    assert changes == ["returned", "reactivated"]


def test_alerts_whose_times_in_kafka_stand_still_never_end_an_alarm_at_once(alert: Alert) -> None:
    alarms, changes = taken(opened(alert, at=1_000), alert("e2", arrived=1_000), 9_000)
    assert (latest(alarms).alerts, changes) == (2, [])
    assert settled(alarms, 9_099) == (alarms, [])
    assert settled(alarms, 9_100)[1] == ["returned"]


def test_an_acknowledgement_holds_for_a_time_only(alert: Alert) -> None:
    alarms, changes = taken(acknowledged(opened(alert), 1_000), alert("e2", arrived=1_049), 1_049)
    assert (seen(alarms), changes) == ("active_acknowledged", [])
    alarms, changes = taken(alarms, alert("e3", arrived=1_050), 1_050)
    assert (seen(alarms), changes) == ("active_unacknowledged", ["realarmed"])
    assert latest(alarms).acknowledged_at is None


def test_a_worse_alert_ends_an_acknowledgement_at_once(alert: Alert) -> None:
    graded = policies_of("severities = { critical = 0.95 }")
    alarms = acknowledged(opened(alert, policies=graded), 1_000)
    alarms, changes = taken(alarms, alert("e2", score=0.99, arrived=1_001), 1_001, graded)
    assert (seen(alarms), changes) == ("active_unacknowledged", ["escalated", "realarmed"])


def test_a_latched_alarm_stays_after_return_and_acknowledgement(alert: Alert) -> None:
    alarms, changes = settled(acknowledged(opened(alert), 1_000), 1_100, LATCHED)
    assert (seen(alarms), changes) == ("latched", ["returned", "latched"])
    assert settled(alarms, 999_999, LATCHED) == (alarms, [])
    assert settled(alarms, 999_999) == (alarms, []), "though the policy has changed"
    again, changes = taken(alarms, alert("e2", arrived=9_000), 9_000, LATCHED)
    assert (seen(again), changes) == ("active_unacknowledged", ["reactivated"])


def test_an_active_alarm_that_nobody_attends_to_is_stale_after_a_time(alert: Alert) -> None:
    alarms = opened(alert)
    assert due_at(alarms, latest(alarms), STALE) == 1_070
    stale, changes = settled(alarms, 1_070, STALE)
    assert (latest(stale).stale_at, changes) == (1_070, ["stale"])
    assert settled(stale, 1_071, STALE) == (stale, [])
    assert latest(settled(stale, 1_100, STALE)[0]).stale_at is None
    assert settled(acknowledged(alarms, 1_001), 1_070, STALE)[1] == []


def test_what_was_due_is_done_in_its_order(alert: Alert) -> None:
    assert settled(opened(alert), 9_000, STALE)[1] == ["stale", "returned"]


@pytest.mark.parametrize("times", [(1_070, 1_100, 5_000), (5_000,), (1_071, 5_000), (1_100, 1_100, 5_000)])
def test_settling_late_is_settling_often(alert: Alert, times: tuple[int, ...]) -> None:
    graded = policies_of('stale_after = "70ms"\nease_after = "20ms"\nseverities = { high = 0.95 }')
    alarms, _ = taken(opened(alert, policies=graded), alert("e2", score=0.99, arrived=1_001), 1_001, graded)
    alarms, _ = taken(alarms, alert("e3", arrived=1_002), 1_002, graded)
    changes = []
    for at in times:
        alarms, more = settled(alarms, at, graded)
        changes += more
    assert changes == ["eased", "stale", "returned"]
    assert (latest(alarms).severity, latest(alarms).returned_at) == ("medium", 1_102)


def test_a_state_from_before_these_states_is_read_and_settles() -> None:
    text = (
        '{"alarms":{"by_condition":{"fraud":{"alarm_id":"a","condition":"fraud","state":"active_unacknowledged",'
        '"event_id":"e","event_time":1,"opened_at":5,"last_alert_at":7,"alerts":2,"peak":0.9}}}}'
    )
    known = entity.decode(text).alarms
    assert seen(settled(known, 107)[0]) == "returned_unacknowledged"
    assert replace(latest(known), alerts=3).severity == "medium"
