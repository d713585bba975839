import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.bridges.errand import Errand, Word, hear, take, take_cancel
from actors.errors import RefuseLedgerError
from actors.issuer import verdict, wakes_at
from actors.ledger import Ledger
from actors.ledger_file import VERSION, open_ledger
from models.actions import Ack, Command, Outcome, encode


def command(number: int = 1, **fields: Any) -> Command:
    values = {"kind": "block_card", "entity": f"card-{number}", "issued_at": 1, "expires_at": 10_000}
    return Command(**{**values, "command_id": f"command-{number}", **fields})


def taken(number: int) -> Errand:
    return take(None, command(number), 2)


def answered(number: int, said: Outcome = "succeeded") -> Errand:
    return hear(taken(number), Word(command_id=f"command-{number}", said=said), 5)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "ledger.sqlite"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    with open_ledger(path) as opened:
        yield opened


def test_what_is_saved_is_known_effective_and_counted(ledger: Ledger, path: Path) -> None:
    done, refused, waiting = answered(1), answered(2, "refused"), taken(3)
    ledger.save([done, refused, waiting], ["command-1", "command-2", "command-1", "command-3"])
    assert ledger.known(["command-1", "command-2", "command-3", "command-4"]) == {
        "command-1": done,
        "command-2": refused,
        "command-3": waiting,
    }
    assert [(e.command_id, e.kind, e.at) for e in ledger.effects()] == [("command-1", "block_card", 5)]
    assert ledger.answers() == {"command-1": "succeeded", "command-2": "refused"}
    assert ledger.under_way() == [waiting]
    with open_ledger(path) as reader:
        counts = reader.counts()
    assert (counts.commands, counts.deliveries, counts.effects) == (3, 4, 1)
    assert counts.outcomes == {"succeeded": 1, "refused": 1}


def test_an_empty_ledger_has_zero_of_everything(ledger: Ledger) -> None:
    assert ledger.counts() == (0, 0, 0, {})
    assert ledger.known([]) == {}
    assert ledger.under_way() == ledger.untold() == ledger.overdue(10**12) == []


def test_a_batch_is_saved_whole_or_not_at_all(ledger: Ledger) -> None:
    ledger.save([answered(1)], ["command-1"])
    with pytest.raises(AssertionError):
        ledger.save([taken(2), replace(taken(3), state="succeeded")], ["command-2", "command-3"])
    assert ledger.counts() == (1, 1, 1, {"succeeded": 1})
    ledger.save([answered(2)], ["command-2"])
    assert ledger.counts().commands == 2


def test_what_was_told_is_not_told_again_unless_there_is_news(ledger: Ledger, path: Path) -> None:
    first, second = answered(1), answered(2, "delivered")
    assert first.ack
    assert second.ack
    ledger.save([first, second])
    assert ledger.untold() == [first.ack, second.ack]
    ledger.tell([first.ack, second.ack])
    ledger.flush()
    with open_ledger(path) as later:
        assert later.untold() == []
    third = hear(second, Word(command_id="command-2", said="refused"), 9)
    ledger.tell([second.ack])
    ledger.save([third])
    assert ledger.untold() == [third.ack]


def test_only_what_no_device_has_taken_can_be_overdue(ledger: Ledger) -> None:
    sent = hear(taken(2), Word(command_id="command-2", said="sent"), 3)
    ledger.save([taken(1), sent, answered(3, "delivered"), answered(4)])
    assert ledger.overdue(10_000) == []
    assert sorted(ledger.overdue(10_001)) == ["command-1", "command-2"]


def test_a_reader_sees_what_a_writer_committed_and_it_outlives_the_process(
    ledger: Ledger, path: Path
) -> None:
    with open_ledger(path) as reader:
        ledger.save([answered(1)], ["command-1"])
        assert reader.counts().commands == 1
    with open_ledger(path) as later:
        assert set(later.known(["command-1"])) == {"command-1"}


def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"not a database, " * 300)
    with pytest.raises(RefuseLedgerError, match="move it away"), open_ledger(other):
        pass


def test_a_ledger_of_another_version_is_refused(path: Path, ledger: Ledger) -> None:
    ledger._connection.execute("pragma user_version = 7")
    with (
        pytest.raises(RefuseLedgerError, match=f"version 7, this program writes {VERSION}"),
        open_ledger(path),
    ):
        pass


def test_a_ledger_of_version_1_keeps_its_answers_and_effects(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite"
    old = sqlite3.connect(path)
    old.executescript(
        """
        create table answers(command_id text primary key, entity text not null, alarm_id text not null,
            outcome text not null, ack blob not null, deliveries integer not null) strict;
        create table effects(command_id text not null, entity text not null, kind text not null,
            at integer not null) strict;
        insert into effects values ('command-1', 'card-1', 'block_card', 5);
        pragma user_version = 1;
        """
    )
    ack = Ack(command_id="command-1", entity="card-1", outcome="succeeded", reason="done", at=5)
    with_alarm = encode(ack)[:-1] + b',"alarm_id":"alarm-1"}'
    old.execute(
        "insert into answers values ('command-1', 'card-1', 'alarm-1', 'succeeded', ?, 2)", (with_alarm,)
    )
    old.commit()
    old.close()
    with open_ledger(path) as ledger:
        assert ledger.known(["command-1"])["command-1"].ack == ack
        assert ledger.counts() == (1, 2, 1, {"succeeded": 1})
        assert ledger.untold() == []
    with open_ledger(path) as again:
        assert [effect.at for effect in again.effects()] == [5]


words = st.sampled_from(["sent", "delivered", "succeeded", "refused", "expired", "cancelled"])
steps = st.one_of(st.just("command"), st.just("cancel"), words)


@given(st.lists(steps, max_size=20), st.integers(0, 20))
def test_a_command_has_one_last_word_whatever_comes_in_whatever_order(
    happened: list[Any], expires_at: int
) -> None:
    errand, history = None, []
    for now, what in enumerate(happened):
        before = errand
        if what == "command":
            errand = take(errand, command(expires_at=expires_at), now)
        elif what == "cancel":
            cancel = command(command_id="cancel-1", cancels="command-1", expires_at=10**6)
            errand = take_cancel(errand, cancel, now)
        elif errand is not None:
            errand = hear(errand, Word(command_id="command-1", said=what), now)
        if errand and errand.ack and errand.ack != (before and before.ack):
            history.append(errand.ack.outcome)
    last = [outcome for outcome in history if outcome != "delivered"]
    assert last in ([], *([one] for one in last[:1]), ["expired", "succeeded"])
    assert "delivered" not in history[1:]
    assert history.count("succeeded") <= 1
    if errand is not None:
        assert errand.under_way == (not last)
        assert (errand.state in {"taken", "sent"}) == (errand.ack is None)


def test_a_device_says_the_same_however_often_and_whenever_it_is_asked() -> None:
    asked = [command(n) for n in range(2_000)]
    first = [verdict(c, 5, refuse_probability=0.1, seed=3)[0] for c in asked]
    again = [verdict(c, 9_000, refuse_probability=0.1, seed=3)[0] for c in asked]
    other = [verdict(c, 5, refuse_probability=0.1, seed=4)[0] for c in asked]
    assert first == again != other
    assert 150 < first.count("refused") < 250
    assert set(first) == {"succeeded", "refused"}


def test_a_command_expires_after_its_time_and_not_at_it() -> None:
    asked = command(expires_at=100)
    on_time, late = (verdict(asked, now, refuse_probability=0, seed=0) for now in (100, 101))
    assert (on_time[0], late[0]) == ("succeeded", "expired")


@given(st.integers(0, 10**13), st.integers(1, 10**6), st.text(max_size=8))
def test_a_device_that_sleeps_does_so_half_of_the_time(now: int, sleep_ms: int, entity: str) -> None:
    def wakes(at: int) -> int:
        return wakes_at(entity, at, probability=1, sleep_ms=sleep_ms, seed=1)

    awake = wakes(now)
    assert now <= awake <= now + sleep_ms
    assert wakes(awake) == awake
    if awake > now:
        assert wakes(awake - 1) == awake
        assert wakes(awake + sleep_ms) > awake + sleep_ms


def test_a_share_of_the_devices_sleeps() -> None:
    def asleep(probability: float, sleep_ms: int = 1_000) -> int:
        return sum(
            wakes_at(f"M{n}", now, probability=probability, sleep_ms=sleep_ms, seed=1) > now
            for n in range(200)
            for now in (0, 1_000)
        )

    assert asleep(0) == asleep(1, sleep_ms=0) == 0
    assert asleep(1) == 200
    assert 20 < asleep(0.25) < 80
