"""The measures of alarms, each against a case that is counted by hand; the peak against brute force."""

import json
from dataclasses import asdict
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from models.floods import FloodRule
from models.operations import AlarmOperation, AuditEntry
from pipeline.cli.alarms import kpi_view
from pipeline.kpis import HOUR_MS, WINDOW_MS, Kpis, Rules, Span, kpis, peak
from storage.alarms import AlarmRow

MINUTE = 60_000
SPAN = Span(0, 4 * HOUR_MS)
RULES = Rules(
    lambda _: FloodRule(more_than=10, calm_below=5, within_ms=WINDOW_MS),
    lambda _: FloodRule(more_than=2, calm_below=2, within_ms=WINDOW_MS),
)


def row(number: int, opened_at: int, **fields: Any) -> AlarmRow:
    values = {
        "alarm_id": f"a{number}",
        "entity": f"card-{number}",
        "condition": "fraud",
        "opened_at": opened_at,
        "version": 1,
        "state": "active_unacknowledged",
        "event_id": "e",
        "alerts": 1,
        "severity": "medium",
        "active_at": opened_at,
    }
    return AlarmRow(**{**values, **fields})


def entry(
    number: int, at: int, who: str = "ann", action: Any = "acknowledge", verdict: Any = "applied"
) -> AuditEntry:
    operation = AlarmOperation(
        operation_id=f"o{number}-{at}",
        entity=f"card-{number}",
        who=who,
        why="",
        asked_at=at,
        expires_at=at + 1,
        action=action,
        alarm_id=f"a{number}",
        condition="fraud",
    )
    return AuditEntry(operation=operation, verdict=verdict, reason="", decided_at=at, before=None, after=None)


def measured(alarms: list[AlarmRow], entries: list[AuditEntry], **fields: Any) -> Kpis:
    return kpis(alarms, entries, SPAN, RULES, shift_ms=2 * HOUR_MS, **fields)


def test_rate_peak_and_shifts() -> None:
    alarms = [row(n, n * 30 * MINUTE) for n in range(8)]
    found = measured([*alarms, row(9, 31 * MINUTE), row(10, -5)], [])
    assert (found.load.alarms, found.load.operators, found.load.per_operator_hour) == (9, 1, 9 / 4)
    assert (found.load.peak, found.load.peak_at) == (2, 31 * MINUTE)
    assert [(s.alarms, s.per_operator_hour, s.peak) for s in found.shifts] == [(5, 2.5, 2), (4, 2.0, 1)]
    assert found.standing == 10, "those from before the span too"
    two = measured(alarms, [], operators=2)
    assert two.load.per_operator_hour == 1


def test_people_and_the_time_to_acknowledge() -> None:
    alarms = [row(n, 0, active_at=1_000) for n in range(3)]
    entries = [
        entry(0, 11_000),
        entry(0, 99_000, "bob"),
        entry(1, 31_000, "bob"),
        entry(2, 41_000, verdict="refused"),
        entry(2, 42_000, "bob", action="note"),
    ]
    found = measured(alarms, entries)
    assert (found.load.acknowledged, found.load.mean_time_to_acknowledge_s, found.load.operators) == (
        2,
        20.0,
        2,
    )
    assert [(p.name, p.actions, p.acknowledged, p.mean_time_to_acknowledge_s) for p in found.people] == [
        ("bob", 3, 1, 30.0),
        ("ann", 1, 1, 10.0),
    ]


def test_floods_by_alarms_and_by_time() -> None:
    flood = [row(n, HOUR_MS + n * 1_000) for n in range(20)]
    found = measured([*flood, *[row(100 + n, 3 * HOUR_MS + n * 11 * MINUTE) for n in range(5)]], [])
    assert found.flood_share == 20 / 25
    entered, left = HOUR_MS + 10_000, HOUR_MS + 15_000 + WINDOW_MS
    assert found.flood_time_share == (left - entered) / (4 * HOUR_MS)


def test_floods_of_two_conditions_at_a_time_count_once_by_time() -> None:
    both = [row(n, n * 1_000, condition=c, alarm_id=f"{c}{n}") for n in range(20) for c in ("a", "b")]
    assert measured(both, []).flood_time_share == (15_000 + WINDOW_MS - 10_000) / (4 * HOUR_MS)


def test_chattering_stale_standing_and_severities() -> None:
    back = [row(n, n * MINUTE, entity="card-x", state="closed") for n in range(3)]
    marked = row(7, 0, chattering=True, severity="high")
    stale = row(8, 0, stale=True, state="active_unacknowledged", severity=None)
    found = measured([*back, marked, stale], [])
    assert (found.chattering, found.stale, found.standing) == (2, 1, 2)
    assert found.severities == {"medium": 3, "high": 1}


def test_the_top_ten_are_ten() -> None:
    alarms = [row(n, n, entity=f"card-{n % 13}", condition=f"model-{n % 2}") for n in range(27)]
    found = measured(alarms, [])
    assert found.top_entities[0].name == "card-0"
    assert len(found.top_entities) == 10
    assert [(s.name, s.alarms, s.share) for s in found.top_conditions] == [
        ("model-0", 14, 14 / 27),
        ("model-1", 13, 13 / 27),
    ]


def test_what_was_only_pending_counts_nowhere() -> None:
    found = measured(
        [row(1, 5, state="closed", active_at=None), row(2, 5, state="pending", active_at=None)], []
    )
    assert (found.load.alarms, found.standing) == (0, 0)


def test_no_alarms_are_measured_too() -> None:
    found = measured([], [])
    assert (found.load.alarms, found.load.peak, found.load.mean_time_to_acknowledge_s) == (0, 0, None)
    assert json.loads(json.dumps(asdict(found)))["flood_share"] == 0
    assert "0 alarms" in "\n".join(kpi_view.report(found))


def test_people_read_a_report() -> None:
    text = "\n".join(kpi_view.report(measured([row(n, n) for n in range(20)], [entry(3, 5_003)])))
    for part in (
        "20 alarms",
        "peak 20",
        "floods 100%",
        "ann: 1 actions",
        "acknowledged 1 of 20, after 5.0 s",
        "fraud",
    ):
        assert part in text, text


@given(st.lists(st.integers(0, 3 * WINDOW_MS), max_size=30).map(sorted))
def test_the_peak_is_the_most_in_any_ten_minutes(times: list[int]) -> None:
    most, _ = peak(times)
    assert most == max((sum(at - WINDOW_MS < t <= at for t in times) for at in times), default=0)
