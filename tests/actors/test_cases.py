"""What alarms, commands and investigators do to the cases of one entity."""

from collections.abc import Callable
from typing import Any

import pytest
from case_desk import CARD, POLICIES, Desk
from msgspec.structs import replace

from actors.alarm import Shelf
from actors.cases import RECENT_KEPT, follow, published
from models.operations import AuditEntry
from models.scores import Score

DAY_MS = 86_400_000


@pytest.fixture
def desk(alert: Callable[..., Score]) -> Desk:
    return Desk(alert)


def refused(entry: AuditEntry) -> str:
    assert entry.verdict == "refused"
    assert entry.before == entry.after
    return entry.reason


def applied(entry: AuditEntry) -> tuple[str | None, str | None]:
    assert (entry.verdict, entry.reason) == ("applied", "")
    return entry.before, entry.after


def test_a_severe_alarm_opens_a_case_and_is_in_it_with_its_alert(desk: Desk) -> None:
    desk.happens(change="opened", severity="high")
    case = desk.case
    assert (case.state, case.opened_by, case.why, case.severity) == (
        "open",
        "policy",
        "fraud is high",
        "high",
    )
    assert case.due_at == case.opened_at + DAY_MS
    assert list(case.alerts) == ["tx1/fraud"]
    assert [seen.condition for seen in case.alarms.values()] == ["fraud"]
    assert desk.cases.recent == {}


@pytest.mark.parametrize(
    ("model", "severity"), [("fraud", "medium"), ("velocity", "critical"), ("unnamed", "critical")]
)
def test_an_alarm_that_is_not_meant_to_opens_none(desk: Desk, model: str, severity: Any) -> None:
    desk.happens(model, "opened", severity=severity)
    assert desk.cases.latest is None
    assert list(desk.cases.recent) == [f"tx1/{model}"]


def test_an_alarm_that_is_set_aside_opens_a_case_when_it_is_not_any_more(desk: Desk) -> None:
    desk.alarms = replace(desk.alarms, shelves={"fraud": Shelf(until=None)})
    desk.happens(change="opened", severity="high")
    assert desk.cases.latest is None
    desk.alarms = replace(desk.alarms, shelves={})
    desk.happens(change="unshelved", alert=False)
    assert desk.case.state == "open"


def test_a_pending_alarm_is_in_no_case_until_it_is_active(desk: Desk) -> None:
    desk.happens("velocity", severity="high", state="pending")
    desk.happens(change="opened", severity="high")
    assert [seen.condition for seen in desk.case.alarms.values()] == ["fraud"]


def test_an_alarm_that_gets_worse_opens_a_case_with_what_came_before(desk: Desk) -> None:
    for _ in range(2):
        desk.happens(change=None if desk.events else "opened", severity="medium")
    desk.happens(change="escalated", severity="critical")
    assert {name: piece.earlier for name, piece in desk.case.alerts.items()} == {
        "tx1/fraud": True,
        "tx2/fraud": True,
        "tx3/fraud": False,
    }
    assert desk.case.severity == "critical"


def test_the_bound_of_evidence_holds_for_what_came_before_too(desk: Desk) -> None:
    for _ in range(5):
        desk.happens(change=None if desk.events else "opened", severity="medium")
    desk.happens(change="escalated", severity="critical")
    assert list(desk.case.alerts) == ["tx6/fraud", "tx5/fraud", "tx4/fraud"], "the latest ones"
    assert desk.case.left_out.alerts == 3


def test_further_alarms_and_alerts_join_the_open_case(desk: Desk) -> None:
    desk.happens(change="opened", severity="high")
    case_id = desk.case.case_id
    desk.happens("velocity", "opened", severity="critical")
    desk.happens()
    assert desk.case.case_id == case_id
    assert list(desk.case.alerts) == ["tx1/fraud", "tx2/velocity", "tx3/fraud"]
    assert [seen.condition for seen in desk.case.alarms.values()] == ["fraud", "velocity"]
    assert desk.case.severity == "critical"


def test_a_case_keeps_so_many_alerts_and_the_number_of_the_others(desk: Desk) -> None:
    desk.happens(change="opened", severity="high")
    for _ in range(5):
        desk.happens()
    assert list(desk.case.alerts) == ["tx1/fraud", "tx2/fraud", "tx3/fraud"]
    assert desk.case.left_out.all == desk.case.left_out.alerts == 3


def test_evidence_stays_as_it_was(desk: Desk) -> None:
    desk.happens(change="opened", severity="high")
    before = desk.case.alarms
    desk.happens(change="eased", severity="low")
    desk.happens(change="closed", alert=False, state="closed")
    assert desk.case.alarms == before
    assert desk.case.severity == "high", "a case is as severe as its alarms ever were"


def test_a_command_joins_as_it_was_first_and_as_it_ended(desk: Desk) -> None:
    desk.happens(change="opened", severity="high")
    (alarm,) = desk.case.alarms
    for status in ("queued", "sent", "delivered", "timed_out", "succeeded"):
        desk.ordered(status, alarm=alarm, reason=f"it is {status}")
    desk.ordered("queued", "k2", alarm="alarm-of-another")
    desk.ordered("queued", "k3", alarm=None)
    joined = {name: moment.reason for name, moment in desk.case.commands.items()}
    assert joined == {
        "k1/queued": "it is queued",
        "k1/timed_out": "it is timed_out",
        "k1/succeeded": "it is succeeded",
        "k3/queued": "",
    }


def test_a_closed_case_takes_no_more_evidence(desk: Desk) -> None:
    desk.happens(change="opened", severity="high")
    (alarm,) = desk.case.alarms
    desk.ask("close", outcome="confirmed")
    closed = desk.case
    desk.happens()
    desk.ordered("succeeded", alarm=alarm)
    assert desk.case == closed
    assert list(desk.cases.recent) == ["tx2/fraud"]


def test_an_alarm_in_a_closed_case_opens_another_only_when_it_gets_worse(desk: Desk) -> None:
    desk.happens(change="opened", severity="high")
    first = desk.case.case_id
    desk.ask("close", outcome="false_alarm")
    desk.happens(change="realarmed")
    desk.happens(change="reactivated")
    assert desk.case.case_id == first
    desk.happens(change="escalated", severity="critical")
    assert desk.case.case_id != first
    assert desk.cases.past[0].case_id == first
    assert sorted(desk.case.alerts) == ["tx2/fraud", "tx3/fraud", "tx4/fraud"]


def test_a_later_alarm_opens_another_case(desk: Desk) -> None:
    for _ in range(7):
        desk.happens(change="opened", severity="high")
        desk.ask("close", outcome="inconclusive")
        desk.happens(change="closed", alert=False, state="closed")
    assert len({case.case_id for case in desk.cases.all}) == len(desk.cases.all) == 5
    assert desk.cases.number == 7


def test_alerts_without_a_case_are_remembered_up_to_a_bound(desk: Desk) -> None:
    for _ in range(RECENT_KEPT + 5):
        desk.happens("velocity", None if desk.events else "opened")
    assert list(desk.cases.recent) == [f"tx{n}/velocity" for n in range(6, RECENT_KEPT + 6)]


def test_an_investigator_opens_a_case_with_the_open_alarms_and_their_alerts(desk: Desk) -> None:
    desk.happens("velocity", "opened", severity="medium")
    desk.happens("unnamed", "opened")
    desk.happens("unnamed", "closed", alert=False, state="closed")
    entry = desk.ask("open", case_id="case-9", why="the holder called")
    assert applied(entry) == (None, "open")
    case = desk.case
    assert (case.case_id, case.opened_by, case.why, case.severity) == (
        "case-9",
        "ann",
        "the holder called",
        "medium",
    )
    assert case.due_at == case.opened_at + DAY_MS // 2, "the shortest time of the open alarms"
    assert list(case.alerts) == ["tx1/velocity"], "those of an alarm that is closed are another story"


def test_a_case_without_an_alarm_is_due_as_the_default_says(desk: Desk) -> None:
    assert applied(desk.ask("open", case_id="case-9", why="a tip")) == (None, "open")
    assert desk.case.due_at == desk.case.opened_at + 2 * DAY_MS
    assert (desk.case.severity, desk.case.alarms) == ("low", {})


def test_a_case_is_not_opened_twice_nor_without_a_reason(desk: Desk) -> None:
    assert refused(desk.ask("open", case_id="case-9", why=" ")) == "a case needs a reason"
    desk.ask("open", case_id="case-9", why="a tip")
    assert "has an open case already: case-9" in refused(desk.ask("open", case_id="case-8", why="x"))
    desk.ask("close", outcome="inconclusive")
    assert refused(desk.ask("open", case_id="case-9", why="x")) == "that case was opened before"


def test_a_case_is_assigned_to_one_and_released(desk: Desk) -> None:
    desk.happens(change="opened", severity="high")
    assert refused(desk.ask("release")) == "nobody works it"
    assert refused(desk.ask("assign")) == "say who shall work it"
    assert applied(desk.ask("assign", assignee="ann")) == ("open", "assigned to ann")
    assert refused(desk.ask("assign", "bob", assignee="bob")) == "it is assigned to ann already"
    assert "needs a reason" in refused(desk.ask("release", "bob"))
    assert applied(desk.ask("release", "bob", "ann is ill")) == ("assigned to ann", "open")
    assert applied(desk.ask("assign", "bob", assignee="bob")) == ("open", "assigned to bob")
    assert applied(desk.ask("release", "bob")) == ("assigned to bob", "open")


def test_notes_and_due_times(desk: Desk) -> None:
    desk.happens(change="opened", severity="high")
    assert refused(desk.ask("note", why=" ")) == "a note needs a text"
    assert applied(desk.ask("note", why="called")) == ("open", "open")
    assert refused(desk.ask("set_due", due_at=desk.now)) == "that time has passed"
    assert refused(desk.ask("set_due")) == "that time has passed"
    due = desk.now + DAY_MS
    desk.ask("set_due", due_at=due)
    assert desk.case.due_at == due
    desk.ask("close", outcome="confirmed")
    assert applied(desk.ask("note", why="and that was that")) == ("closed: confirmed", "closed: confirmed")


def test_only_who_works_a_case_closes_it(desk: Desk) -> None:
    desk.happens(change="opened", severity="high")
    desk.ask("assign", assignee="bob")
    assert refused(desk.ask("close")) == "say what came out"
    assert refused(desk.ask("close", outcome="confirmed")) == "it is assigned to bob: release it first"
    assert applied(desk.ask("close", "bob", outcome="confirmed")) == ("assigned to bob", "closed: confirmed")
    assert (desk.case.state, desk.case.assignee, desk.case.closed_at) == ("closed", "bob", desk.now)
    for action, fields in (
        ("assign", {"assignee": "ann"}),
        ("release", {}),
        ("set_due", {"due_at": desk.now + 99}),
        ("close", {"outcome": "false_alarm"}),
    ):
        assert refused(desk.ask(action, **fields)) == "it is closed: confirmed"


def test_what_is_late_or_unknown_is_refused(desk: Desk) -> None:
    assert refused(desk.ask("assign", case_id="case-7", assignee="ann")) == f"{CARD} has no such case"
    entry = desk.ask("open", case_id="case-7", why="x", expires_at=desk.now)
    assert refused(entry) == "it came 10 ms after it had expired"


@pytest.mark.parametrize(("outcome", "fraud"), [("confirmed", True), ("false_alarm", False)])
def test_an_outcome_becomes_a_label_of_each_transaction(desk: Desk, outcome: Any, fraud: Any) -> None:
    desk.happens(change="opened", severity="high")
    desk.happens("velocity", "opened")
    desk.cases = follow(
        desk.cases,
        desk.alarms,
        (),
        desk.now,
        POLICIES.of,
        entity=CARD,
        alert=desk.scored("tx1", "velocity"),
    )
    desk.ask("close", outcome=outcome)
    labels = desk.cases.unpublished
    assert [label.transaction_id for label in labels] == ["tx1", "tx2"], (
        "one each, however many models alerted"
    )
    assert {(label.card, label.terminal, label.fraud) for label in labels} == {(CARD, "T1", fraud)}
    assert len({label.event_id for label in labels}) == 2


def test_an_inconclusive_case_and_one_of_a_machine_say_nothing(desk: Desk) -> None:
    desk.happens(change="opened", severity="high")
    desk.ask("close", outcome="inconclusive")
    desk.ask("open", case_id="case-9", why="a tip")
    reading = replace(desk.scored("r1", "velocity"), event={"machine": CARD, "measurements": {"heat": 1.0}})
    desk.cases = follow(desk.cases, desk.alarms, (), desk.now, POLICIES.of, entity=CARD, alert=reading)
    desk.ask("close", outcome="confirmed")
    assert "r1/velocity" in desk.case.alerts
    assert [label.transaction_id for label in desk.cases.unpublished] == []


def test_a_verdict_is_dated_in_the_time_of_the_events(desk: Desk) -> None:
    desk.happens(change="opened", severity="high")
    last = desk.now
    desk.now += DAY_MS
    desk.ask("close", outcome="confirmed")
    (label,) = desk.cases.unpublished
    assert label.event_time == last - 500 + (desk.now - last), "events lag half a second, so verdicts do"


def test_labels_are_kept_until_kafka_has_them_even_when_another_case_follows(desk: Desk) -> None:
    desk.happens(change="opened", severity="high")
    desk.ask("close", outcome="confirmed")
    (first,) = desk.cases.unpublished
    desk.happens(change="opened", severity="high")
    desk.ask("close", outcome="false_alarm")
    assert len(desk.cases.unpublished) == 2
    assert published(desk.cases, {"another"}) is desk.cases
    assert first not in published(desk.cases, {first.event_id}).unpublished
