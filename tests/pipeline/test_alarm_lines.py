"""A list shows one line for a flood, and nothing is lost behind it."""

import random
from dataclasses import replace
from typing import Any

from models.floods import FloodRule
from pipeline.alarm_lines import Flooded, collapsed, floods_of, has_opened
from pipeline.cli.alarms import view
from storage.alarms import AlarmRow

RULE = FloodRule(more_than=10, calm_below=5, within_ms=600_000)


def rule_of(_condition: str) -> FloodRule:
    return RULE


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


def newest_first(rows: list[AlarmRow]) -> list[AlarmRow]:
    return sorted(rows, key=lambda each: -each.opened_at)


def test_a_flood_of_ten_thousand_alarms_is_one_line_and_each_alarm_stands_behind_it() -> None:
    flood = [row(n, 1_000_000 + n) for n in range(10_000)]
    others = [row(20_000, 1_005_000, condition="velocity"), row(20_001, 9_000_000), row(20_002, 1)]
    rows = newest_first([*flood, *others])
    lines = collapsed(rows, rows, rule_of, 9_000_000)
    assert [line.alarm_id for line in lines if isinstance(line, AlarmRow)] == ["a20001", "a20000", "a20002"]
    (found,) = [line for line in lines if isinstance(line, Flooded)]
    assert set(found.alarms) == set(flood)
    assert (found.flood.alarms, found.flood.left_at) == (10_000, 1_000_000 + 9_995 + 600_000)
    text = list(view.table(lines))
    assert len(text) == 4
    assert sum("FLOOD of fraud: 10,000 alarms" in line for line in text) == 1


def test_a_flood_is_told_by_alarms_that_are_closed_by_now_too() -> None:
    rows = newest_first([row(n, n, state="active_acknowledged" if n < 3 else "closed") for n in range(20)])
    listed = [each for each in rows if each.state != "closed"]
    assert collapsed(listed, [], rule_of, 100) == listed, "three are none"
    (line,) = collapsed(listed, rows, rule_of, 100)
    assert isinstance(line, Flooded)
    assert (len(line.alarms), line.flood.alarms, line.flood.left_at) == (3, 20, None)


def test_what_was_only_pending_is_no_part_of_a_flood() -> None:
    lapsed = [row(n, n, state="closed", active_at=None) for n in range(20)]
    assert floods_of(lapsed, rule_of, 100) == {}
    assert [has_opened(each) for each in (lapsed[0], replace(lapsed[0], state="pending"))] == [False, False]
    assert has_opened(replace(lapsed[0], severity=None)), "a row from before severities"
    pending = [replace(each, state="pending") for each in lapsed]
    assert collapsed(pending, pending, rule_of, 100) == pending


def test_the_order_in_which_rows_come_does_not_matter() -> None:
    rows = newest_first([row(n, n * 1_000) for n in range(40)])
    shuffled = rows.copy()
    random.Random(1).shuffle(shuffled)
    assert collapsed(rows, rows, rule_of, 50_000) == collapsed(rows, shuffled, rule_of, 50_000)
