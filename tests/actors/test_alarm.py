"""What alerts do to alarms: they open, count, rise, and wait for more while a delay or a deadband asks for it."""

from collections.abc import Callable, Iterable

from actors import entity
from actors.alarm import Alarm, Alarms, alarm_id, shown
from actors.alarm_life import PAST_KEPT, take_alert
from actors.entity import EntityState
from actors.timers import due_at, settle_all
from actors.transitions import Transitions
from models.policies.policies import Policies, parse
from models.scores import Score

Alert = Callable[..., Score]


def policies_of(text: str) -> Policies:
    return parse(f'[alarms.default]\noff_delay = "10s"\nrealarm_after = "50s"\n{text}', "this test")


PLAIN = policies_of("")
DELAYED = policies_of('on_delay = "3s"\non_gap = "2s"')
GRADED = policies_of('ease_after = "5s"\nseverities = { high = 0.8, critical = 0.95 }')
DEADBAND = policies_of("deadband = 0.25")


def took(
    alerts: Iterable[tuple[int, Score]], policies: Policies, alarms: Alarms | None = None
) -> tuple[Alarms, list[str]]:
    """Take alerts, each at its time, and return the alarms with what happened."""
    alarms = alarms or Alarms()
    changes: list[str] = []
    for now, alert in alerts:
        alarms, transitions = take_alert(alarms, alert, now, policies)
        changes += names(transitions)
    return alarms, changes


def names(transitions: Transitions) -> list[str]:
    return [transition.change for transition in transitions]


def latest(alarms: Alarms) -> Alarm:
    return alarms.by_condition["fraud"]


def test_the_first_alert_opens_an_unacknowledged_alarm(alert: Alert) -> None:
    alarms, (opened,) = take_alert(Alarms(), alert("e1", score=0.8), 2_000, PLAIN)
    assert (opened.change, opened.alarm, opened.alert) == ("opened", latest(alarms), alert("e1", score=0.8))
    found = latest(alarms)
    assert (found.state, found.alerts, found.peak, found.opened_at, found.active_at) == (
        "active_unacknowledged",
        1,
        0.8,
        2_000,
        2_000,
    )


def test_the_worst_of_scores_that_alert_below_is_the_lowest(alert: Alert) -> None:
    low = [alert(f"e{n}", score=score, below=True) for n, score in enumerate((0.5, 0.25, 0.75))]
    assert latest(took(enumerate(low), PLAIN)[0]).peak == 0.25


def test_a_further_alert_raises_count_and_peak_and_changes_nothing_else(alert: Alert) -> None:
    alerts = [
        (2_000, alert("e1", score=0.8)),
        (3_000, alert("e2", score=0.95)),
        (2_500, alert("e3", score=0.7)),
    ]
    alarms, changes = took(alerts, PLAIN)
    raised = latest(alarms)
    assert changes == ["opened"]
    assert (raised.alerts, raised.peak, raised.last_alert_at) == (3, 0.95, 3_000)
    assert (raised.event_id, raised.opened_at) == ("e1", 2_000)


def test_each_condition_has_its_own_alarm(alert: Alert) -> None:
    alarms, changes = took([(1, alert("e1", model="fraud")), (1, alert("e1", model="velocity"))], PLAIN)
    assert set(alarms.by_condition) == {"fraud", "velocity"}
    assert changes == ["opened", "opened"]
    assert len({a.alarm_id for a in alarms.all}) == 2


def test_ids_follow_from_what_opened_the_alarm(alert: Alert) -> None:
    again = [latest(take_alert(Alarms(), alert("e1"), now, PLAIN)[0]).alarm_id for now in (1, 99)]
    assert again == [alarm_id(alert("e1"))] * 2
    assert alarm_id(alert("e1")) != alarm_id(alert("e2"))
    assert alarm_id(alert("e1", entity="a")) != alarm_id(alert("e1", entity="b"))


def test_alarms_survive_their_text(alert: Alert) -> None:
    alarms, _ = took([(1, alert())], GRADED)
    state = EntityState(alarms=alarms)
    assert entity.decode(entity.encode(state)) == state
    assert entity.decode(None) == EntityState()


def test_a_pending_alarm_becomes_active_when_alerts_kept_coming(alert: Alert) -> None:
    early = [(at, alert(f"e{at}")) for at in (0, 1_500, 2_999)]
    alarms, changes = took(early, DELAYED)
    assert (latest(alarms).state, latest(alarms).alerts, changes) == ("pending", 3, [])
    alarms, changes = took([(3_000, alert("e"))], DELAYED, alarms)
    assert (latest(alarms).state, changes) == ("active_unacknowledged", ["opened"])
    assert (latest(alarms).opened_at, latest(alarms).active_at, latest(alarms).alerts) == (0, 3_000, 4)


def test_a_pending_alarm_whose_alerts_stop_is_over_and_nobody_hears_of_it(alert: Alert) -> None:
    alarms, _ = took([(0, alert("e1"))], DELAYED)
    assert due_at(alarms, latest(alarms), DELAYED) == 2_000
    over, transitions = settle_all(alarms, "card", 2_000, DELAYED)
    assert (latest(over).state, latest(over).active_at, transitions) == ("closed", None, ())
    anew, changes = took([(9_000, alert("e2", arrived=9_000))], DELAYED, alarms)
    assert (latest(anew).state, latest(anew).event_id, changes) == ("pending", "e2", [])
    assert [a.state for a in anew.past] == ["closed"]


def test_alerts_that_waited_in_kafka_count_by_when_they_came_there(alert: Alert) -> None:
    waited = [(9_000 + n, alert(f"e{n}", arrived=n * 1_000)) for n in range(4)]
    alarms, changes = took(waited, DELAYED)
    assert (latest(alarms).state, changes) == ("active_unacknowledged", ["opened"])


def test_an_alert_within_the_deadband_opens_nothing_but_keeps_what_is_open(alert: Alert) -> None:
    alarms, changes = took([(0, alert("e1", score=0.7))], DEADBAND)
    assert (alarms, changes) == (Alarms(), [])
    alarms, changes = took([(0, alert("e2", score=0.75)), (9_000, alert("e3", score=0.51))], DEADBAND)
    assert (changes, latest(alarms).alerts) == (["opened"], 2)
    assert due_at(alarms, latest(alarms), DEADBAND) == 19_000


def test_an_alert_within_the_deadband_does_not_wake_what_has_returned(alert: Alert) -> None:
    alarms, _ = took([(0, alert("e1"))], DEADBAND)
    alarms, _ = settle_all(alarms, "card", 10_000, DEADBAND)
    alarms, changes = took([(10_001, alert("e2", score=0.6))], DEADBAND, alarms)
    assert (latest(alarms).state, latest(alarms).alerts, changes) == ("returned_unacknowledged", 2, [])
    alarms, changes = took([(10_002, alert("e3"))], DEADBAND, alarms)
    assert (latest(alarms).state, changes) == ("active_unacknowledged", ["reactivated"])


def test_severity_rises_at_once_and_falls_after_a_time_without_worse(alert: Alert) -> None:
    rising = [(0, alert("e1", score=0.6)), (1_000, alert("e2", score=0.99))]
    alarms, changes = took(rising, GRADED)
    assert (latest(alarms).severity, changes) == ("critical", ["opened", "escalated"])
    alarms, changes = took(
        [(2_000, alert("e3", score=0.85)), (5_999, alert("e4", score=0.6))], GRADED, alarms
    )
    assert (latest(alarms).severity, changes) == ("critical", [])
    assert due_at(alarms, latest(alarms), GRADED) == 6_000
    alarms, transitions = settle_all(alarms, "card", 6_000, GRADED)
    assert (latest(alarms).severity, names(transitions)) == ("high", ["eased"])
    alarms, transitions = settle_all(alarms, "card", 7_000, GRADED)
    assert (latest(alarms).severity, names(transitions)) == ("medium", ["eased"])


def test_silence_alone_leaves_the_severity(alert: Alert) -> None:
    alarms, _ = took([(0, alert("e1", score=0.99))], GRADED)
    alarms, transitions = settle_all(alarms, "card", 9_999, GRADED)
    assert (latest(alarms).severity, transitions) == ("critical", ())
    alarms, changes = took([(9_999, alert("e2", score=0.6))], GRADED, alarms)
    assert (latest(alarms).severity, changes) == ("medium", ["eased"])


def test_a_worse_alert_of_a_model_whose_low_scores_alert_is_a_lower_one(alert: Alert) -> None:
    falling = policies_of("severities = { high = 0.3, critical = 0.1 }")
    alerts = [(n, alert(f"e{n}", score=score, below=True)) for n, score in enumerate((0.4, 0.2, 0.05))]
    alarms, changes = took(alerts, falling)
    assert (latest(alarms).severity, changes) == ("critical", ["opened", "escalated", "escalated"])


def test_what_closed_is_kept_once_a_condition_and_bounded(alert: Alert) -> None:
    alarms = Alarms()
    for n in range(3):
        for condition in range(PAST_KEPT + 2):
            known = alert(f"e{n}", model=f"m{condition}", arrived=n)
            alarms, _ = take_alert(alarms, known, n * 100, policies_of('on_delay = "1s"\non_gap = "1ms"'))
    assert len(alarms.past) == PAST_KEPT
    assert len({a.condition for a in alarms.past}) == PAST_KEPT
    assert {shown(alarms, a) for a in alarms.past} == {"closed"}
