"""Floods against what their definition says, counted by brute force."""

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from models.floods import Flood, FloodRule, Watch, ended, ends_at, floods, observed, settled

RULE = FloodRule(more_than=3, calm_below=2, within_ms=100)
TIMES = st.lists(st.integers(0, 600), max_size=40).map(sorted)
RULES = st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 200)).map(
    lambda r: FloodRule(more_than=max(r[:2]), calm_below=min(r[:2]), within_ms=r[2])
)


def counted(times: Sequence[int], until: int, rule: FloodRule) -> int:
    return sum(until - rule.within_ms < t <= until for t in times)


def by_definition(times: Sequence[int], rule: FloodRule, end: int) -> list[tuple[int, int | None]]:
    """Return (entered, left) by looking at every millisecond: first whether a flood is over, then what opens."""
    spans: list[tuple[int, int | None]] = []
    entered: int | None = None
    for now in range(end + 1):
        if entered is not None and counted([t for t in times if t < now], now, rule) < rule.calm_below:
            spans.append((entered, now))
            entered = None
        if entered is None and now in times and counted(times, now, rule) > rule.more_than:
            entered = now
    return spans if entered is None else [*spans, (entered, None)]


@given(TIMES, RULES)
def test_floods_are_what_the_definition_says(times: list[int], rule: FloodRule) -> None:
    distinct = sorted(set(times))
    found = [(flood.entered_at, flood.left_at) for flood in floods(distinct, rule, 900)]
    assert found == by_definition(distinct, rule, 900)


@given(TIMES, RULES)
def test_floods_follow_each_other_and_count_their_alarms(times: list[int], rule: FloodRule) -> None:
    found = floods(times, rule, 900)
    for flood in found:
        assert flood.alarms <= sum(flood.covers(at) for at in times)
        assert flood.first_at <= flood.entered_at <= flood.last_at
        assert flood.left_at is None or flood.left_at > flood.last_at
    for earlier, later in pairwise(found):
        assert earlier.left_at is not None
        assert earlier.left_at <= later.entered_at


@given(st.permutations(range(0, 120, 7)))
def test_the_order_of_openings_does_not_matter_to_the_list(openings: list[int]) -> None:
    assert floods(openings, RULE, 900) == floods(sorted(openings), RULE, 900)


@given(TIMES, RULES)
def test_what_is_remembered_is_bounded_by_the_rule(times: list[int], rule: FloodRule) -> None:
    watch = Watch()
    for at in times:
        watch = observed(watch, at, rule)
        assert len(watch.recent) <= rule.more_than + 1


def test_a_flood_is_entered_and_left() -> None:
    watch = Watch()
    for at in (10, 20, 30):
        watch = observed(watch, at, RULE)
        assert watch.flood is None
    watch = observed(watch, 40, RULE)
    assert watch.flood == Flood(first_at=10, entered_at=40, last_at=40, alarms=4)
    watch = observed(watch, 45, RULE)
    assert ended(watch, 139, RULE) is None
    over = ended(watch, 140, RULE)
    assert over == Flood(first_at=10, entered_at=40, last_at=45, alarms=5, left_at=140)
    assert settled(watch, 140, RULE).flood is None
    assert observed(watch, 200, RULE).flood is None


def test_a_late_opening_joins_the_flood_that_lasts() -> None:
    watch = Watch()
    for at in (10, 20, 40, 50, 30):
        watch = observed(watch, at, RULE)
    assert watch.flood == Flood(first_at=10, entered_at=50, last_at=50, alarms=5)


def test_a_rule_that_has_changed_since_is_followed_with_what_is_remembered() -> None:
    watch = Watch()
    for at in (10, 20, 30, 40):
        watch = observed(watch, at, RULE)
    wider = FloodRule(more_than=20, calm_below=15, within_ms=500)
    assert ends_at(watch, wider) == 510
    assert ends_at(Watch(), wider) is None
