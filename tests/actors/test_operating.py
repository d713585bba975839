"""Each action in each state: what it does, or why it is refused."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from actors.alarm import Alarms, shown
from actors.alarm_life import take_alert
from actors.operating import operate
from actors.timers import settle_all
from models import operations
from models.errors import RejectEventError
from models.operations import AlarmOperation, AuditEntry
from models.policies.policies import Policies, parse
from models.scores import Score

POLICIES = parse('[alarms.default]\noff_delay = "100ms"', "this test")
LATCHED = parse('[alarms.default]\noff_delay = "100ms"\nlatched = true', "this test")
NOW = 1_010
Alert = Callable[..., Score]


@pytest.fixture
def opened(alert: Alert) -> Alarms:
    return take_alert(Alarms(), alert("e1"), 1_000, POLICIES)[0]


def asked(alarms: Alarms, action: Any, **fields: Any) -> AlarmOperation:
    latest = alarms.by_condition["fraud"]
    values = {
        "operation_id": "o1",
        "action": action,
        "entity": "card",
        "condition": "fraud",
        "alarm_id": latest.alarm_id,
        "who": "ann",
        "why": "seen",
        "asked_at": 1_000,
        "expires_at": 9_000,
    }
    return AlarmOperation(**{**values, **fields})


def did(
    alarms: Alarms, action: Any, now: int = NOW, policies: Policies = POLICIES, **fields: Any
) -> tuple[Alarms, list[str], AuditEntry]:
    after, transitions, entry = operate(alarms, asked(alarms, action, **fields), now, policies)
    return after, [transition.change for transition in transitions], entry


def applied(alarms: Alarms, action: Any, changes: list[str], now: int = NOW, **fields: Any) -> Alarms:
    after, changed, entry = did(alarms, action, now, **fields)
    assert (entry.verdict, entry.reason, entry.decided_at) == ("applied", "", now)
    assert changed == changes
    return after


def refusal(alarms: Alarms, action: Any, now: int = NOW, **fields: Any) -> str:
    after, changed, entry = did(alarms, action, now, **fields)
    assert (after, changed) == (alarms, []), "a refused action changes nothing"
    assert (entry.verdict, entry.before) == ("refused", entry.after)
    return entry.reason


def silent(alarms: Alarms, policies: Policies = POLICIES) -> Alarms:
    return settle_all(alarms, "card", 1_100, policies)[0]


def seen(alarms: Alarms) -> str:
    return shown(alarms, alarms.by_condition["fraud"])


def test_an_active_alarm_is_acknowledged_once(opened: Alarms) -> None:
    after, changes, entry = did(opened, "acknowledge")
    assert (entry.before, entry.after) == ("active_unacknowledged", "active_acknowledged")
    assert (after.by_condition["fraud"].acknowledged_at, changes) == (NOW, ["acknowledged"])
    assert refusal(after, "acknowledge") == "it is acknowledged already"


def test_acknowledging_what_has_returned_closes_it(opened: Alarms) -> None:
    after, changes, entry = did(silent(opened), "acknowledge", now=1_100)
    assert (entry.before, entry.after, changes) == (
        "returned_unacknowledged",
        "closed",
        ["acknowledged", "closed"],
    )
    assert refusal(after, "acknowledge", now=1_101) == "it is closed"
    assert refusal(after, "shelve", now=1_101) == "it is closed"


def test_acknowledging_before_or_after_the_silence_is_noticed_comes_to_the_same(opened: Alarms) -> None:
    before = silent(applied(opened, "acknowledge", ["acknowledged"], now=5_000))
    after = applied(silent(opened), "acknowledge", ["acknowledged", "closed"], now=5_000)
    assert before == after
    assert seen(after) == "closed"


def test_a_latched_alarm_is_acknowledged_and_then_reset(opened: Alarms) -> None:
    assert refusal(opened, "reset") == "only a latched alarm is reset, and it is active_unacknowledged"
    returned = silent(opened, LATCHED)
    assert "and it is returned_unacknowledged" in refusal(returned, "reset", policies=LATCHED)
    latched = applied(returned, "acknowledge", ["acknowledged", "latched"], policies=LATCHED)
    assert seen(latched) == "latched"
    assert refusal(latched, "acknowledge", policies=LATCHED) == "it is acknowledged already"
    over = applied(latched, "reset", ["reset", "closed"], policies=LATCHED)
    assert (seen(over), over.by_condition["fraud"].acknowledged_at) == ("closed", NOW)
    assert refusal(over, "reset", policies=LATCHED) == "it is closed"


def test_a_pending_alarm_can_be_shelved_and_not_be_acknowledged(alert: Alert) -> None:
    delayed = parse('[alarms.default]\non_delay = "1m"', "this test")
    pending, _ = take_alert(Alarms(), alert("e1"), 1_000, delayed)
    assert "it is pending" in refusal(pending, "acknowledge", policies=delayed)
    assert seen(applied(pending, "shelve", [], policies=delayed, until=None)) == "shelved"


def test_an_older_alarm_is_refused_with_the_name_of_the_latest(opened: Alarms) -> None:
    assert "not the latest alarm of fraud: that is alarm-" in refusal(
        opened, "acknowledge", alarm_id="alarm-0"
    )


def test_an_unknown_condition_and_an_expired_operation_are_refused(opened: Alarms) -> None:
    assert refusal(opened, "acknowledge", condition="x") == "card never had an alarm of x"
    assert refusal(opened, "acknowledge", now=9_005) == "it came 5 ms after it had expired"


def test_a_shelf_is_set_moved_and_taken_away(opened: Alarms) -> None:
    after = applied(opened, "shelve", ["shelved"], until=2_000)
    assert seen(after) == "shelved"
    after = applied(after, "shelve", ["shelved"], until=None)
    assert after.shelves["fraud"].until is None
    after = applied(after, "unshelve", ["unshelved"])
    assert seen(after) == "active_unacknowledged"
    assert refusal(after, "unshelve") == "fraud is not shelved"


def test_a_shelf_that_would_not_last_is_refused(opened: Alarms) -> None:
    assert refusal(opened, "shelve", until=NOW) == "the shelf would have ended already"
    assert "has returned already" in refusal(silent(opened), "shelve", now=1_100, until=None)


def test_a_shelved_alarm_can_be_acknowledged_and_stays_shelved(opened: Alarms) -> None:
    after = applied(applied(opened, "shelve", ["shelved"], until=2_000), "acknowledge", ["acknowledged"])
    assert seen(after) == "shelved"
    assert seen(applied(after, "unshelve", ["unshelved"])) == "active_acknowledged"


def test_service_is_left_and_entered_once(opened: Alarms) -> None:
    assert refusal(opened, "put_in_service") == "fraud is in service"
    shelved = applied(opened, "shelve", ["shelved"], until=2_000)
    after = applied(shelved, "take_out_of_service", ["taken_out_of_service"])
    assert seen(after) == "out_of_service"
    assert refusal(after, "take_out_of_service") == "fraud is out of service already"
    assert seen(applied(after, "put_in_service", ["put_in_service"])) == "shelved"


def test_a_note_changes_nothing_and_needs_a_text(opened: Alarms) -> None:
    assert applied(opened, "note", [], why="called the holder") is opened
    assert refusal(opened, "note", why=" ") == "a note needs a text"


def test_operations_and_entries_survive_their_bytes(opened: Alarms) -> None:
    operation = asked(opened, "shelve", until=5)
    assert operations.decode(operations.encode(operation)) == operation
    _, _, entry = did(opened, "note")
    assert operations.decode_entry(operations.encode(entry)) == entry
    for wrong in (b"{}", b"", operations.encode(replace(operation)).replace(b"shelve", b"explode")):
        with pytest.raises(RejectEventError, match="not an operation"):
            operations.decode(wrong)
