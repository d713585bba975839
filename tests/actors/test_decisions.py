from collections.abc import Callable, Sequence

import pytest

from actors.decisions import advance, alarm_rows, decide, mark_sent, orders_of, queued, untold
from actors.order_release import Rules
from models.actions import Ack
from models.policies.policies import Policies
from models.scores import Score
from storage.entities import EMPTY, Change, Snapshot

Decide = Callable[..., Change | None]


@pytest.fixture
def decided(policies: Policies) -> Decide:
    def decided(snapshot: Snapshot, messages: Sequence[Score | Ack], *, told: bool = False) -> Change | None:
        return decide("card", snapshot, messages, 5_000, policies, told=told)

    return decided


Saved = Callable[..., Snapshot]


@pytest.fixture
def saved(decided: Decide) -> Saved:
    def saved(snapshot: Snapshot, *messages: Score | Ack, told: bool = False) -> Snapshot:
        change = decided(snapshot, messages, told=told)
        assert change is not None
        return advance(snapshot, change, snapshot.version + 1)

    return saved


def ack_of(snapshot: Snapshot) -> Ack:
    (command, *_) = [order.command for order in orders_of(snapshot).values()]
    return Ack(command_id=command.command_id, entity=command.entity, outcome="succeeded", reason="", at=6_000)


def test_many_alerts_of_an_entity_are_one_change(alert: Callable[..., Score], decided: Decide) -> None:
    change = decided(EMPTY, [alert("e1"), alert("e2"), alert("e1"), alert("e1", model="other")])
    assert change is not None
    assert change.alerts == ("e1/fraud", "e2/fraud", "e1/other")
    assert [row.status for row in change.commands] == ["queued", "queued"]


def test_nothing_new_is_no_change(alert: Callable[..., Score], decided: Decide, saved: Saved) -> None:
    snapshot = saved(EMPTY, alert("e1"))
    assert decided(snapshot, [alert("e1")]) is None
    answered = saved(snapshot, ack_of(snapshot))
    assert decided(answered, [ack_of(snapshot)]) is None


def test_an_answer_outruns_the_mark_that_its_command_was_sent(
    alert: Callable[..., Score], saved: Saved, policies: Policies
) -> None:
    snapshot = saved(EMPTY, alert("e1"))
    (order,) = queued(snapshot)
    answered = saved(snapshot, ack_of(snapshot))
    assert queued(answered) == []
    assert mark_sent(answered, [order.command.command_id], Rules(policies, 7_000)) is None


def test_changes_stay_untold_until_they_were_told(alert: Callable[..., Score], saved: Saved) -> None:
    opened = saved(EMPTY, alert("e1"))
    assert [change.change for change in untold(opened)] == ["opened"]
    both = saved(opened, alert("e1", model="other"))
    assert [change.condition for change in untold(both)] == ["fraud", "other"]
    later = saved(opened, alert("e1", model="other"), told=True)
    assert [change.condition for change in untold(later)] == ["other"]
    assert len({change.change_id for change in untold(both)}) == 2


def test_the_list_shows_the_alarms_that_may_have_changed(
    alert: Callable[..., Score], saved: Saved, policies: Policies
) -> None:
    snapshot = saved(EMPTY, alert("e1"), alert("e1", model="other"))
    rows = alarm_rows("card", snapshot, [alert("e1", model="other")], policies)
    shown = [(row.condition, row.version, row.opened_at) for row in rows]
    assert shown == [("fraud", 1, 5_000), ("other", 1, 5_000)], "an alarm may have suppressed another"
    (row,) = alarm_rows("card", snapshot, [ack_of(snapshot)], policies)
    assert row.command_id == ack_of(snapshot).command_id
