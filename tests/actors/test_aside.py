"""Conditions that are set aside: shelved, suppressed while another explains them, under maintenance, chattering."""

from collections.abc import Callable
from datetime import datetime

import pytest

from actors.alarm import Alarm, Alarms, Shelf, shown, with_alarm
from actors.alarm_life import take_alert
from actors.attention import attended
from actors.shelving import shelved
from actors.timers import due_at, settle_all
from models.policies.policies import Policies, parse
from models.scores import Score

Alert = Callable[..., Score]


def policies_of(text: str) -> Policies:
    return parse(f'[alarms.default]\noff_delay = "100ms"\n{text}', "this test")


PLAIN = policies_of("")
BY_SENSORS = policies_of('[alarms.fraud]\nsuppressed_while = ["sensors"]')
BEGINS, ENDS = (round(datetime.fromisoformat(f"2026-03-01T{h}:00:00Z").timestamp() * 1_000) for h in (10, 12))
MAINTAINED = policies_of(
    """
    [[maintenance]]
    name = "oil"
    entities = "tok_*"
    conditions = "fraud"
    from = 2026-03-01T10:00:00Z
    to = 2026-03-01T12:00:00Z
    """
)
CHATTER = policies_of('realarm_after = "1ms"\nchattering = { more_than = 2, calm_below = 2, within = "1s" }')


def taken(alarms: Alarms, alert: Score, at: int, policies: Policies) -> tuple[Alarms, list[str]]:
    after, transitions = take_alert(alarms, alert, at, policies)
    return after, [f"{t.alarm.condition} {t.change}" for t in transitions]


def settled(alarms: Alarms, entity: str, at: int, policies: Policies) -> tuple[Alarms, list[str]]:
    after, transitions = settle_all(alarms, entity, at, policies)
    return after, [f"{t.alarm.condition} {t.change}" for t in transitions]


def latest(alarms: Alarms) -> Alarm:
    return alarms.by_condition["fraud"]


def seen(alarms: Alarms) -> str:
    return shown(alarms, latest(alarms))


@pytest.mark.parametrize("aside", [{"shelves": {"fraud": Shelf(until=None)}}, {"out_of_service": ("fraud",)}])
def test_a_condition_set_aside_takes_alerts_and_is_shown_so(alert: Alert, aside: dict[str, object]) -> None:
    alarms, changes = taken(Alarms(**aside), alert("e1"), 1_000, PLAIN)  # type: ignore[arg-type] - either field
    assert alarms.is_aside("fraud")
    assert (seen(alarms), changes) == (
        "shelved" if "shelves" in aside else "out_of_service",
        ["fraud opened"],
    )


def test_a_timed_shelf_ends_by_itself_and_covers_alarms_that_open_meanwhile(alert: Alert) -> None:
    alarms = Alarms(shelves={"fraud": Shelf(until=1_050)})
    early, _ = taken(alarms, alert("e1"), 1_049, PLAIN)
    assert seen(early) == "shelved"
    assert due_at(early, latest(early), PLAIN) == 1_050
    after, changes = settled(early, "card", 1_050, PLAIN)
    assert (seen(after), changes) == ("active_unacknowledged", ["fraud unshelved"])
    late, changes = taken(alarms, alert("e1"), 1_050, PLAIN)
    assert (late.is_aside("fraud"), changes) == (False, ["fraud opened"])


def test_a_one_shot_shelf_ends_when_the_alarm_returns(alert: Alert) -> None:
    alarms, _ = taken(Alarms(), alert("e1"), 1_000, PLAIN)
    alarms, _ = shelved(alarms, "fraud", None)
    assert settled(alarms, "card", 1_099, PLAIN) == (alarms, [])
    returned, changes = settled(alarms, "card", 1_100, PLAIN)
    assert (seen(returned), returned.shelves) == ("returned_unacknowledged", {})
    assert changes == ["fraud returned", "fraud unshelved"]


def test_a_condition_is_suppressed_while_another_one_is_active(alert: Alert) -> None:
    alarms, changes = taken(Alarms(), alert("e1", model="sensors"), 1_000, BY_SENSORS)
    alarms, more = taken(alarms, alert("e1"), 1_001, BY_SENSORS)
    assert (seen(alarms), [*changes, *more]) == (
        "suppressed",
        ["sensors opened", "fraud opened", "fraud suppressed"],
    )
    assert alarms.is_aside("fraud")
    alarms, _ = taken(alarms, alert("e2", arrived=1_050), 1_050, BY_SENSORS)
    alarms, changes = settled(alarms, "card", 1_100, BY_SENSORS)
    assert (seen(alarms), changes) == ("active_unacknowledged", ["sensors returned", "fraud unsuppressed"])
    _, changes = taken(alarms, alert("e2", model="sensors", arrived=1_120), 1_120, BY_SENSORS)
    assert changes == ["sensors reactivated", "fraud suppressed"]


def test_a_condition_out_of_service_explains_nothing(alert: Alert) -> None:
    alarms, _ = taken(Alarms(out_of_service=("sensors",)), alert("e1", model="sensors"), 1_000, BY_SENSORS)
    alarms, changes = taken(alarms, alert("e1"), 1_001, BY_SENSORS)
    assert (seen(alarms), changes) == ("active_unacknowledged", ["fraud opened"])


def test_an_alarm_under_maintenance_is_kept_and_suppressed_until_its_end(alert: Alert) -> None:
    card = alert().entity
    alarms, changes = taken(Alarms(), alert("e1", arrived=BEGINS - 10), BEGINS - 10, MAINTAINED)
    assert (changes, due_at(alarms, latest(alarms), MAINTAINED)) == (["fraud opened"], BEGINS)
    alarms, changes = settled(alarms, card, BEGINS, MAINTAINED)
    assert (seen(alarms), changes) == ("suppressed", ["fraud suppressed"])
    alarms, changes = taken(alarms, alert("e2", arrived=ENDS - 1), ENDS - 1, MAINTAINED)
    assert (seen(alarms), changes) == ("suppressed", ["fraud returned", "fraud reactivated"])
    assert due_at(alarms, latest(alarms), MAINTAINED) == ENDS
    alarms, changes = settled(alarms, card, ENDS, MAINTAINED)
    assert (seen(alarms), changes) == ("active_unacknowledged", ["fraud unsuppressed"])
    assert alarms.maintenance_turns_at is None


def test_maintenance_concerns_the_entities_and_conditions_that_it_names(alert: Alert) -> None:
    for other in (alert("e1", entity="pump"), alert("e1", model="velocity")):
        alarms, changes = taken(Alarms(), other, BEGINS, MAINTAINED)
        assert (alarms.suppressed, changes) == ((), [f"{other.model} opened"])


def chattering(alert: Alert) -> Alarms:
    alarms = Alarms()
    for n in range(3):
        alarms, changes = taken(alarms, alert(f"e{n}", arrived=n * 200), n * 200, CHATTER)
        assert ("fraud chattering" in changes) == (n == 2)
        assert alarms.is_chattering("fraud") == (n == 2)
    return alarms


def test_a_condition_that_comes_back_too_often_is_chattering_until_it_is_calm(alert: Alert) -> None:
    alarms = chattering(alert)
    returned, _ = settled(alarms, "card", 1_199, CHATTER)
    assert (returned.is_chattering("fraud"), due_at(returned, latest(returned), CHATTER)) == (True, 1_200)
    calm, changes = settled(returned, "card", 1_200, CHATTER)
    assert (calm.is_chattering("fraud"), changes) == (False, [])


def test_a_chattering_condition_is_not_alarmed_again_until_it_is_calm(alert: Alert) -> None:
    alarms = with_alarm(chattering(alert), attended(latest(chattering(alert)), "active_acknowledged", 401))
    for at in range(450, 1_200, 50):
        alarms, changes = taken(alarms, alert(f"more{at}", arrived=at), at, CHATTER)
        assert (seen(alarms), changes) == ("active_acknowledged", [])
    alarms, changes = taken(alarms, alert("last", arrived=1_200), 1_200, CHATTER)
    assert (seen(alarms), changes) == ("active_unacknowledged", ["fraud realarmed"])
