"""Layouts: what versions share exists once, what differs stays apart, and a covered version needs no new state."""

import msgspec
import pytest

from models.errors import RefuseSpecError
from models.layout import covers, extended, merged, query_name, state
from models.plan import Plan, Stage
from models.windows import landmark_windows

HOUR = 3_600_000
DAY = 24 * HOUR


def weight(half_life: int) -> str:
    return f"pow(2D, ((event_time - unix_millis(win.start)) / {half_life}D))"


def plan(*stages: Stage, half_life: int = DAY, rows: dict[str, str] | None = None) -> Plan:
    rows = rows or {}
    windows = landmark_windows(frozenset({half_life}))
    return Plan(
        entity="card",
        fields=["event_id", "event_time", "card", "terminal", "amount"],
        inputs={f"weight_{half_life}": weight(half_life)},
        stages=list(stages),
        row_values=rows,
        features=[*(name for s in stages for name in s.values), *rows],
        stride_ms=windows.stride_ms,
        overlap_ms=windows.overlap_ms,
    )


def stage(key: str, accumulators: dict[str, str], values: dict[str, str]) -> Stage:
    return Stage(key, accumulators, {f"{key}_events": "count_if(fraud is null)"}, values)


CARD = stage("card", {"card_state_0": "sum(amount)"}, {"spent": "card_state_0 / weight_1"})
TERMINAL = stage("terminal", {"terminal_state_0": "sum(1)"}, {"busy": "terminal_state_0 / spent"})


def test_a_layout_of_one_version_is_its_plan() -> None:
    only = plan(CARD, TERMINAL, rows={"amount": "cast(amount as double)"})
    assert merged({"1": only}) == only
    assert extended(only, only, "2") == (only, {name: name for name in only.features})


def test_the_same_sql_exists_once_under_the_name_that_it_has() -> None:
    other = stage("card", {"card_state_0": "sum(1)", "card_state_1": "sum(amount)"}, {"n": "card_state_0"})
    other.values["turnover"] = "card_state_1 / weight_1"
    layout, columns = extended(plan(CARD), plan(other), "2")
    assert layout.stages[0].accumulators == {"card_state_0": "sum(amount)", "card_state_0_v2": "sum(1)"}
    assert layout.stages[0].values == {"spent": "card_state_0 / weight_1", "n": "card_state_0_v2"}
    assert columns == {"n": "n", "turnover": "spent"}


def test_a_name_that_means_something_else_is_renamed_wherever_it_is_read() -> None:
    other_card = stage("card", {"card_state_0": "max(amount)"}, {"spent": "card_state_0 / weight_1"})
    rows = {"share": "amount / spent"}
    layout, columns = extended(plan(CARD, TERMINAL), plan(other_card, TERMINAL, rows=rows), "2.1")
    assert columns == {"spent": "spent_v2_1", "busy": "busy_v2_1", "share": "share"}
    assert layout.stages[0].values["spent_v2_1"] == "card_state_0_v2_1 / weight_1"
    assert layout.stages[1].values["busy_v2_1"] == "terminal_state_0 / spent_v2_1"
    assert layout.row_values == {"share": "amount / spent_v2_1"}


def test_stages_keep_the_order_of_each_version() -> None:
    device = stage("device", {}, {"rank": "spent"})
    layout, _ = extended(plan(CARD, TERMINAL), plan(CARD, device, TERMINAL), "2")
    assert [s.key for s in layout.stages] == ["card", "device", "terminal"]
    layout, _ = extended(plan(CARD, TERMINAL, device), plan(CARD, device, TERMINAL), "2")
    assert [s.key for s in layout.stages] == ["card", "terminal", "device", "terminal"]
    assert layout.stages[3].counters == {}
    assert list(layout.stages[3].accumulators) == ["terminal_state_0_v2"]


def test_what_follows_from_the_last_stage_and_the_row_needs_no_state() -> None:
    base = plan(CARD, TERMINAL)
    more = stage("terminal", TERMINAL.accumulators, {"other": "terminal_state_0 * 2"})
    assert covers(base, {"2": plan(CARD, more, rows={"dear": "amount > 100"})})
    assert not covers(base, {"2": plan(stage("card", CARD.accumulators, {"x": "card_state_0"}), TERMINAL)})
    assert not covers(base, {"2": plan(CARD, stage("terminal", {"s": "max(amount)"}, {}))})
    assert not covers(base, {"2": plan(CARD, TERMINAL, half_life=2 * DAY)})
    assert covers(base, {"2": plan(CARD)})


def test_the_querys_name_changes_with_its_state_only() -> None:
    base = plan(CARD, TERMINAL)
    layout, _ = extended(base, plan(CARD, TERMINAL, rows={"dear": "amount > 100"}), "2")
    assert layout != base
    assert query_name("fraud", layout) == query_name("fraud", base)
    changed = msgspec.structs.replace(base, stride_ms=base.stride_ms * 2)
    assert query_name("fraud", changed) != query_name("fraud", base)
    assert state(msgspec.json.decode(msgspec.json.encode(base), type=Plan)) == state(base)


def test_windows_hold_all_half_lives_or_the_versions_are_refused() -> None:
    short, long = plan(CARD, half_life=7 * DAY), plan(CARD, half_life=30 * DAY)
    layout, _ = extended(short, long, "2")
    assert layout.windows == landmark_windows(frozenset({7 * DAY, 30 * DAY}))
    assert covers(layout, {"1": short, "2": long})
    assert not covers(short, {"2": long})
    with pytest.raises(RefuseSpecError, match="do not fit into one query"):
        extended(plan(CARD, half_life=HOUR), long, "2")


def test_a_slopes_half_life_limits_the_windows() -> None:
    slope = stage(
        "card",
        {"card_state_0": f"sum(amount * ((event_time - unix_millis(win.start)) / {2 * DAY}D))"},
        {"drift": "card_state_0"},
    )
    layout, _ = extended(plan(CARD, half_life=7 * DAY), plan(slope, half_life=2 * DAY), "2")
    assert layout.windows.length_ms <= 100 * 2 * DAY
    assert layout.overlap_ms == 56 * DAY


def test_a_count_since_the_windows_start_keeps_its_windows() -> None:
    distinct = stage("card", {"card_state_0": "hll_sketch_agg(terminal)"}, {"places": "card_state_0"})
    with pytest.raises(RefuseSpecError, match="distinct values since its window's start"):
        extended(plan(CARD, half_life=30 * DAY), plan(distinct, half_life=7 * DAY), "2")


def test_versions_on_other_events_are_refused() -> None:
    other = msgspec.structs.replace(plan(CARD), fields=["event_id", "event_time", "card"])
    with pytest.raises(RefuseSpecError, match="other events"):
        extended(plan(CARD), other, "2")


def test_versions_that_count_repeated_events_otherwise_do_not_share_a_query() -> None:
    often, once = plan(CARD), msgspec.structs.replace(plan(CARD), once=True)
    assert query_name("fraud", often) != query_name("fraud", once)
    assert not covers(often, {"2": once})
    for first, second in ((often, once), (once, often)):
        with pytest.raises(RefuseSpecError, match="one counts each event once"):
            merged({"1": first, "2": second})
    assert merged({"1": once, "2": once}) == once
