import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.errors import RefuseLedgerError
from actors.issuer import answer
from actors.ledger import Ledger, open_ledger
from models.actions import Ack, Command


def command(number: int = 1, expires_at: int = 10_000) -> Command:
    return Command(
        command_id=f"command-{number}",
        kind="block_card",
        condition="fraud",
        entity=f"card-{number}",
        alarm_id=f"alarm-{number}",
        event_id=f"e{number}",
        event_time=1,
        issued_at=1,
        expires_at=expires_at,
    )


def answered(number: int, probability: float = 0) -> tuple[Command, Ack]:
    asked = command(number)
    return asked, answer(asked, 5, refuse_probability=probability, seed=0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "ledger.sqlite"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    with open_ledger(path) as opened:
        yield opened


def test_what_is_recorded_is_known_effective_and_counted(ledger: Ledger, path: Path) -> None:
    done, refused = answered(1), answered(2, probability=1)
    ledger.record([done, refused], ["command-1", "command-2", "command-1"])
    assert ledger.known(["command-1", "command-2", "command-3"]) == {
        "command-1": done[1],
        "command-2": refused[1],
    }
    assert [(e.command_id, e.kind, e.at) for e in ledger.effects()] == [("command-1", "block_card", 5)]
    assert ledger.answers() == {"command-1": "succeeded", "command-2": "refused"}
    with open_ledger(path) as reader:
        counts = reader.counts()
    assert (counts.commands, counts.deliveries, counts.effects) == (2, 3, 1)
    assert counts.outcomes == {"succeeded": 1, "refused": 1}


def test_an_empty_ledger_has_zero_of_everything(ledger: Ledger) -> None:
    assert ledger.counts() == (0, 0, 0, {})
    assert ledger.known([]) == {}


def test_a_batch_is_recorded_whole_or_not_at_all(ledger: Ledger) -> None:
    ledger.record([answered(1)], ["command-1"])
    with pytest.raises(sqlite3.IntegrityError):
        ledger.record([answered(2), answered(1)], ["command-2", "command-1"])
    assert ledger.counts() == (1, 1, 1, {"succeeded": 1})
    ledger.record([answered(2)], ["command-2"])
    assert ledger.counts().commands == 2


def test_the_ledger_outlives_its_process(path: Path) -> None:
    with open_ledger(path) as first:
        first.record([answered(1)], ["command-1"])
    with open_ledger(path) as second:
        assert set(second.known(["command-1"])) == {"command-1"}


def test_a_reader_sees_what_a_writer_committed(ledger: Ledger, path: Path) -> None:
    with open_ledger(path) as reader:
        ledger.record([answered(1)], ["command-1"])
        assert reader.counts().commands == 1


def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"not a database, " * 300)
    with pytest.raises(RefuseLedgerError, match="move it away"), open_ledger(other):
        pass


def test_a_ledger_of_another_version_is_refused(path: Path, ledger: Ledger) -> None:
    ledger._connection.execute("pragma user_version = 7")
    with pytest.raises(RefuseLedgerError, match="version 7, this program writes 1"), open_ledger(path):
        pass


def test_the_issuer_says_the_same_however_often_and_whenever_it_is_asked() -> None:
    asked = [command(n) for n in range(2_000)]
    first = [answer(c, 5, refuse_probability=0.1, seed=3).outcome for c in asked]
    again = [answer(c, 9_000, refuse_probability=0.1, seed=3).outcome for c in asked]
    other = [answer(c, 5, refuse_probability=0.1, seed=4).outcome for c in asked]
    assert first == again != other
    assert 150 < first.count("refused") < 250
    assert set(first) == {"succeeded", "refused"}


def test_a_command_expires_after_its_time_and_not_at_it() -> None:
    asked = command(expires_at=100)
    on_time, late = (answer(asked, now, refuse_probability=0, seed=0) for now in (100, 101))
    assert (on_time.outcome, late.outcome, late.at) == ("succeeded", "expired", 101)
    assert (late.command_id, late.entity, late.alarm_id) == ("command-1", "card-1", "alarm-1")
