"""Each action in each state: what it does, or why it is refused."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from actors.alarm import Alarms, Policy, shown
from actors.alarm_life import take_alert
from actors.operating import operate
from actors.silence import settle
from models import operations
from models.errors import RejectEventError
from models.operations import AuditEntry, Operation
from models.scores import Score

POLICY = Policy(
    commands={"fraud": "block_card"}, command_ttl_ms=60_000, off_delay_ms=100, realarm_after_ms=50_000
)
NOW = 1_010
Alert = Callable[..., Score]


@pytest.fixture
def opened(alert: Alert) -> Alarms:
    return take_alert(Alarms(), alert("e1"), 1_000, POLICY)[0]


def asked(alarms: Alarms, action: Any, **fields: Any) -> Operation:
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
    return Operation(**{**values, **fields})


def did(alarms: Alarms, action: Any, now: int = NOW, **fields: Any) -> tuple[Alarms, AuditEntry]:
    return operate(alarms, asked(alarms, action, **fields), now, POLICY)


def applied(alarms: Alarms, action: Any, now: int = NOW, **fields: Any) -> Alarms:
    after, entry = did(alarms, action, now, **fields)
    assert (entry.verdict, entry.reason, entry.decided_at) == ("applied", "", now)
    return after


def refusal(alarms: Alarms, action: Any, now: int = NOW, **fields: Any) -> str:
    settled = settle(alarms, "fraud", now, POLICY)
    after, entry = did(alarms, action, now, **fields)
    assert after == settled, "a refused action changes nothing"
    assert (entry.verdict, entry.before) == ("refused", entry.after)
    return entry.reason


def seen(alarms: Alarms) -> str:
    return shown(alarms, alarms.by_condition["fraud"])


def test_an_active_alarm_is_acknowledged_once(opened: Alarms) -> None:
    after, entry = did(opened, "acknowledge")
    assert (entry.before, entry.after) == ("active_unacknowledged", "active_acknowledged")
    assert after.by_condition["fraud"].acknowledged_at == NOW
    assert refusal(after, "acknowledge") == "it is acknowledged already"


def test_acknowledging_what_has_returned_closes_it(opened: Alarms) -> None:
    after, entry = did(opened, "acknowledge", now=1_100)
    assert (entry.before, entry.after) == ("returned_unacknowledged", "closed")
    assert refusal(after, "acknowledge", now=1_101) == "it is closed"
    assert refusal(after, "shelve", now=1_101) == "it is closed"


def test_silence_closes_what_is_acknowledged(opened: Alarms) -> None:
    after = applied(opened, "acknowledge")
    assert seen(settle(after, "fraud", 1_100, POLICY)) == "closed"


def test_an_older_alarm_is_refused_with_the_name_of_the_latest(opened: Alarms) -> None:
    assert "not the latest alarm of fraud: that is alarm-" in refusal(
        opened, "acknowledge", alarm_id="alarm-0"
    )


def test_an_unknown_condition_and_an_expired_operation_are_refused(opened: Alarms) -> None:
    assert refusal(opened, "acknowledge", condition="x") == "card never had an alarm of x"
    assert refusal(opened, "acknowledge", now=9_005) == "it came 5 ms after it had expired"


def test_a_shelf_is_set_moved_and_taken_away(opened: Alarms) -> None:
    after = applied(opened, "shelve", until=2_000)
    assert seen(after) == "shelved"
    after = applied(after, "shelve", until=None)
    assert after.shelves["fraud"].until is None
    after = applied(after, "unshelve")
    assert seen(after) == "active_unacknowledged"
    assert refusal(after, "unshelve") == "fraud is not shelved"


def test_a_shelf_that_would_not_last_is_refused(opened: Alarms) -> None:
    assert refusal(opened, "shelve", until=NOW) == "the shelf would have ended already"
    assert "has returned already" in refusal(opened, "shelve", now=1_100, until=None)


def test_a_shelved_alarm_can_be_acknowledged_and_stays_shelved(opened: Alarms) -> None:
    after = applied(applied(opened, "shelve", until=2_000), "acknowledge")
    assert seen(after) == "shelved"
    assert seen(applied(after, "unshelve")) == "active_acknowledged"


def test_service_is_left_and_entered_once(opened: Alarms) -> None:
    assert refusal(opened, "put_in_service") == "fraud is in service"
    after = applied(applied(opened, "shelve", until=2_000), "take_out_of_service")
    assert seen(after) == "out_of_service"
    assert refusal(after, "take_out_of_service") == "fraud is out of service already"
    assert seen(applied(after, "put_in_service")) == "shelved"


def test_a_note_changes_nothing_and_needs_a_text(opened: Alarms) -> None:
    assert applied(opened, "note", why="called the holder") is opened
    assert refusal(opened, "note", why=" ") == "a note needs a text"


def test_operations_and_entries_survive_their_bytes(opened: Alarms) -> None:
    operation = asked(opened, "shelve", until=5)
    assert operations.decode(operations.encode(operation)) == operation
    _, entry = did(opened, "note")
    assert operations.decode_entry(operations.encode(entry)) == entry
    for wrong in (b"{}", b"", operations.encode(replace(operation)).replace(b"shelve", b"explode")):
        with pytest.raises(RejectEventError, match="not an operation"):
            operations.decode(wrong)
