"""The notifier's ledger: durable, bounded, refused when it is something else."""

from collections.abc import Callable
from pathlib import Path

import pytest

from actors.errors import RefuseLedgerError
from actors.notifier.duties import Duty
from actors.notifier.ledger import NotifierLedger
from actors.notifier.ledger_file import open_ledger
from actors.notifier.messages import Message
from models.alarms import AlarmChange


def message(channel: str = "local", number: int = 0) -> Message:
    return Message(
        number=number,
        route="r",
        channel=channel,
        kind="changes",
        severity="low",
        title="t",
        body="b",
        changes=1,
        created_at=5,
    )


def test_everything_outlives_the_process(path: Path, change: Callable[..., AlarmChange]) -> None:
    duty = Duty(route="r", alarm=change(), since=1, climbed=0, due_at=7)
    with open_ledger(path) as first, first.changing():
        assert first.is_new("c", 1)
        first.collect("r", change(), 3)
        first.set_duty(duty)
        first.post([message()])
    with open_ledger(path) as second:
        assert second.collecting() == {"r": 3}
        assert second.duties_since() == {"r": 7}
        assert second.duties_of("alarm-1") == second.duties_due("r", 7, 9) == [duty]
        assert second.duties_due("r", 6, 9) == []
        assert second.queues() == {"local": 1}
        with second.changing():
            assert not second.is_new("c", 2)
            assert second.release("r", 5) == [change()]
            second.end_duty(duty)
        assert (second.collecting(), second.duties_since()) == ({}, {})


def test_a_channel_takes_its_messages_in_their_order(ledger: NotifierLedger) -> None:
    with ledger.changing():
        ledger.post([message("a"), message("b"), message("a")])
    assert ledger.next_message("a") == message("a", 1)
    with ledger.changing():
        ledger.finish(message("a", 1), "sent", 6, attempts=2)
        ledger.move("b", "a")
    assert ledger.next_message("a") == message("a", 2), (
        "of a channel that is gone, as if it had been the other's"
    )
    assert ledger.next_message("b") is None
    assert [(t.message.number, t.state, t.attempts) for t in ledger.told(9)] == [
        (3, "waiting", 0),
        (2, "waiting", 0),
        (1, "sent", 2),
    ]
    assert [t.message.number for t in ledger.told(1, "a")] == [3]


def test_what_is_kept_is_bounded_by_time_and_what_waits_is_kept(ledger: NotifierLedger) -> None:
    with ledger.changing():
        ledger.is_new("old", 1)
        ledger.is_new("new", 9)
        ledger.post([message(), message(), message()])
        ledger.finish(message(number=1), "sent", 1, attempts=1)
        ledger.finish(message(number=2), "failed", 9, attempts=1, reason="no")
        ledger.prune(5, 5)
        assert ledger.is_new("old", 9)
        assert not ledger.is_new("new", 9)
    assert [(t.message.number, t.reason) for t in ledger.told(9)] == [(3, None), (2, "no")]


def test_others_read_and_add_while_it_is_open(ledger: NotifierLedger, path: Path) -> None:
    with open_ledger(path) as other:
        with other.changing():
            other.keep(message("a"), "failed", 8, reason="why")
        with ledger.changing():
            ledger.post([message()])
        assert len(other.told(9)) == 2
    (told,) = ledger.told(9, "a")
    assert (told.state, told.reason, told.finished_at, told.attempts) == ("failed", "why", 8, 1)


def test_what_is_no_ledger_or_of_another_version_is_refused(path: Path, ledger: NotifierLedger) -> None:
    ledger._connection.execute("pragma user_version = 7")
    with pytest.raises(RefuseLedgerError, match="version 7, this program writes 1"), open_ledger(path):
        pass
    other = path.with_name("other")
    other.write_bytes(b"not a database, " * 300)
    with pytest.raises(RefuseLedgerError, match="move it away"), open_ledger(other):
        pass
