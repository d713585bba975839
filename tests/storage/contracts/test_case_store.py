"""What every `CaseStore` promises, run on the twin and on Cassandra."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from models.actions import Command
from models.cases import AlarmSeen, AlertSeen, CommandSeen
from models.scores import Score
from storage.case_table import CassandraCases
from storage.cases import CaseRow, CaseStore
from storage.memory_cases import MemoryCases

DAY_MS = 86_400_000
NOON = 20_000 * DAY_MS + DAY_MS // 2


@pytest.fixture(params=["memory", pytest.param("cassandra", marks=pytest.mark.cassandra)])
def store(request: pytest.FixtureRequest) -> CaseStore:
    if request.param == "memory":
        return MemoryCases()
    return CassandraCases(request.getfixturevalue("session"), request.getfixturevalue("settings"))


def case(number: int = 1, **changed: Any) -> CaseRow:
    row = CaseRow(
        case_id=f"case-{number}",
        entity="card-1",
        opened_at=NOON + number,
        version=1,
        state="open",
        opened_by="policy",
        why="because 'ä'",
        severity="high",
        due_at=NOON + 99,
        alerts=2,
        left_out=3,
    )
    return replace(row, **changed)


def alarm(number: int = 1, at: int = NOON) -> AlarmSeen:
    return AlarmSeen(
        alarm_id=f"alarm-{number}",
        condition="fraud",
        state="active_unacknowledged",
        severity="high",
        event_id="e1",
        opened_at=at - 5,
        joined_at=at,
        alerts=3,
        peak=0.1 + 0.2,
    )


def command(status: Any, at: int = NOON) -> CommandSeen:
    ordered = Command(
        command_id="k1", kind="block_card", entity="card-1", issued_at=NOON, expires_at=NOON + 9
    )
    return CommandSeen(command=ordered, status=status, reason="", changed_at=at - 1, joined_at=at)


def test_an_unknown_case_is_none(store: CaseStore) -> None:
    assert store.case("case-1") is None
    assert store.cases_of("card-1") == store.cases_in("open") == store.latest_cases(9) == []
    assert store.evidence_of("case-1") == []


def test_a_case_is_kept_whole_and_once(store: CaseStore) -> None:
    closed = case(
        state="closed", assignee="ann", outcome="false_alarm", closed_at=NOON + 5, alarms=1, commands=4
    )
    for _ in range(2):
        store.record_case(closed)
    assert store.case("case-1") == closed
    assert store.cases_of("card-1") == store.cases_in("closed") == store.latest_cases(9) == [closed]


def test_a_later_version_takes_the_place_of_an_earlier_one_and_never_the_other_way(store: CaseStore) -> None:
    mine = case(version=2, state="assigned", assignee="ann")
    free = case(version=3, due_at=None)
    for row in (case(), mine, case(), free, mine):
        store.record_case(row)
    assert store.case("case-1") == free
    assert store.cases_in("assigned") == []
    assert store.cases_in("open") == [free]


def test_cases_are_listed_newest_first_across_days(store: CaseStore) -> None:
    rows = [case(i, entity=f"card-{i % 2}", opened_at=NOON + i * DAY_MS // 2) for i in range(5)]
    for row in rows:
        store.record_case(row)
    assert store.latest_cases(3) == [rows[4], rows[3], rows[2]]
    assert store.cases_of("card-1") == [rows[3], rows[1]]
    assert store.cases_in("open") == rows[::-1]


def test_evidence_is_kept_whole_in_the_order_in_which_it_joined(
    store: CaseStore, make_score: Callable[..., Score]
) -> None:
    alert = AlertSeen(alert_id="e1/fraud", joined_at=NOON, digest="d", score=make_score())
    earlier = AlertSeen(alert_id="e0/fraud", joined_at=NOON - 1, digest="d", score=None)
    evidence = [earlier, alarm(), alert, command("queued"), command("succeeded", NOON + 3)]
    store.record_evidence("case-1", evidence[::-1])
    assert store.evidence_of("case-1") == evidence
    assert store.evidence_of("case-2") == []


def test_evidence_that_is_added_again_is_there_once(store: CaseStore) -> None:
    store.record_evidence("case-1", [alarm(), command("queued")])
    store.record_evidence("case-1", [alarm(), alarm(2)])
    store.record_evidence("case-1", [])
    assert store.evidence_of("case-1") == [alarm(), alarm(2), command("queued")]


def test_more_evidence_than_one_request_takes_is_kept(
    store: CaseStore, make_score: Callable[..., Score]
) -> None:
    wide = {"text": "x" * 9_000}
    evidence = [
        AlertSeen(
            alert_id=f"e{i}/fraud", joined_at=NOON + i, digest="d", score=make_score(f"e{i}", event=wide)
        )
        for i in range(30)
    ]
    store.record_evidence("case-1", evidence)
    assert store.evidence_of("case-1") == evidence
