"""The state machine of deployments, and the rule by which versions act: each event by one, whatever is replayed."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from models.deployment import (
    Candidate,
    Deployment,
    first,
    promoted,
    retired,
    rolled_back,
    with_shadow,
)
from models.errors import RefuseChangeError
from models.layout import merged, query_name
from models.plan import Plan, Stage
from models.serving import Serving, acting, acting_from, begun, due, switched

PARTITIONS = (0, 1)


def plan(*sums: str) -> Plan:
    accumulators = {f"card_state_{i}": f"sum({name})" for i, name in enumerate(sums)}
    values = {f"{name}_sum": f"card_state_{i}" for i, name in enumerate(sums)}
    return Plan("card", ["card"], {}, [Stage("card", accumulators, {}, values)], {}, list(values), 4, 1)


PLANS = {"1": plan("a"), "2": plan("a"), "3": plan("a", "b"), "4": plan("b", "c")}


def test_the_first_version_acts_and_a_shadow_does_not() -> None:
    deployment = with_shadow(first("fraud", "1", 10), "2", 20)
    assert (deployment.role("1"), deployment.role("2"), deployment.role("3")) == ("champion", "shadow", None)
    assert deployment.since == {"1": 10, "2": 20}


def test_a_rollback_goes_back_one_champion_at_a_time_and_leaves_shadows() -> None:
    deployment = with_shadow(with_shadow(first("fraud", "1", 0), "2", 0), "3", 0)
    deployment = promoted(promoted(deployment, "2", 1), "3", 2)
    deployment = rolled_back(deployment, 3)
    assert (deployment.champion, deployment.since["2"], deployment.since["3"]) == ("2", 3, 3)
    deployment = rolled_back(deployment, 4)
    assert (deployment.champion, set(deployment.shadows)) == ("1", {"2", "3"})
    with pytest.raises(RefuseChangeError, match="no earlier champion of fraud"):
        rolled_back(deployment, 5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: with_shadow(d, "1", 1), "deployed already, as the champion"),
        (lambda d: with_shadow(d, "2", 1), "deployed already, as the shadow"),
        (lambda d: promoted(d, "1", 1), "champion already"),
        (lambda d: promoted(d, "9", 1), "models deploy fraud 9 --shadow"),
        (lambda d: retired(d, "1"), "promote another version first"),
        (lambda d: retired(d, "9"), "nothing to retire"),
        (lambda d: rolled_back(d, 1), "no earlier champion"),
    ],
)
def test_a_change_that_does_not_fit_is_refused_with_what_would(change: Any, message: str) -> None:
    with pytest.raises(RefuseChangeError, match=message):
        change(with_shadow(first("fraud", "1", 0), "2", 0))


def test_a_retired_version_is_no_longer_rolled_back_to() -> None:
    deployment = promoted(with_shadow(first("fraud", "1", 0), "2", 0), "2", 1)
    deployment = retired(deployment, "1")
    assert deployment.versions == ["2"]
    assert deployment.former == []


def test_state_that_is_not_covered_is_taken_over_when_the_query_is_past_the_warming() -> None:
    one = first("fraud", "1", 0)
    serving = begun(one, PLANS, 0)
    wanted = with_shadow(one, "3", 1)
    assert due(wanted, serving, PLANS, {0: 100}) is None
    layout = merged({"1": PLANS["1"], "3": PLANS["3"]})
    warmed = Candidate(query_name("fraud", layout), layout, {0: 100})
    ready = Deployment(**{f: getattr(wanted, f) for f in wanted.__struct_fields__} | {"candidate": warmed})
    assert due(ready, serving, PLANS, {0: 99}) is None
    taken = due(ready, serving, PLANS, {0: 120})
    assert taken is not None
    assert (taken.query, taken.versions, taken.live_from) == (warmed.query, ["1", "3"], {0: 120})


OFFSETS = st.tuples(*(st.integers(0, 40) for _ in PARTITIONS))


class Life(RuleBasedStateMachine):
    """A query that reads, commits, crashes and takes over changes, beside commands in any order.

    Whatever was processed was acted on by one version; a crash reads again from the last commit.
    """

    @initialize()
    def start(self) -> None:
        self.deployment = first("fraud", "1", 0)
        self.serving = begun(self.deployment, PLANS, 0)
        self.committed = dict.fromkeys(PARTITIONS, 0)
        self.read = dict.fromkeys(PARTITIONS, 0)
        self.acted: dict[tuple[int, int], str] = {}

    @rule(more=OFFSETS)
    def process(self, more: tuple[int, ...]) -> None:
        for partition, count in zip(PARTITIONS, more, strict=True):
            for offset in range(self.read[partition], self.read[partition] + count):
                version = acting(self.serving, partition, offset)
                assert version in self.serving.versions
                assert version in acting_from(self.serving, self.serving.replay_from)
                assert self.acted.setdefault((partition, offset), version) == version
            self.read[partition] += count

    @rule()
    def commit(self) -> None:
        self.committed = dict(self.read)

    @rule()
    def crash(self) -> None:
        self.read = dict(self.committed)

    @rule(waiting=OFFSETS)
    def end_an_interval(self, waiting: tuple[int, ...]) -> None:
        """The query has committed, goes on reading for a moment, is stopped, and takes over what is due."""
        self.committed = dict(self.read)
        following = due(self.deployment, self.serving, PLANS, self.committed)
        if following is None:
            return
        self.process(waiting)
        processed = {p: max((o + 1 for q, o in self.acted if q == p), default=0) for p in PARTITIONS}
        self.serving = switched(following, self.deployment.champion, processed, 1)
        self.read = dict(self.committed)

    @rule(version=st.sampled_from(["1", "2"]), kind=st.sampled_from(["shadow", "promote", "retire", "back"]))
    def command(self, version: str, kind: str) -> None:
        changes = {
            "shadow": lambda: with_shadow(self.deployment, version, 1),
            "promote": lambda: promoted(self.deployment, version, 1),
            "retire": lambda: retired(self.deployment, version),
            "back": lambda: rolled_back(self.deployment, 1),
        }
        try:
            self.deployment = changes[kind]()
        except RefuseChangeError:
            return

    @precondition(lambda self: hasattr(self, "deployment"))
    @invariant()
    def roles_are_sound(self) -> None:
        d = self.deployment
        assert d.champion not in d.shadows
        assert len(set(d.versions)) == len(d.versions)
        assert set(d.former) <= set(d.shadows)
        assert set(d.since) == set(d.versions)


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=150, stateful_step_count=40)


@given(st.lists(st.tuples(OFFSETS, st.sampled_from("12345")), max_size=6), OFFSETS)
def test_acting_is_monotone_in_the_offset(
    steps: list[tuple[tuple[int, ...], str]], start: tuple[int, ...]
) -> None:
    serving: Serving = begun(first("fraud", "1", 0), PLANS, 0)
    ends = dict.fromkeys(PARTITIONS, 0)
    for more, version in steps:
        ends = {p: ends[p] + m for p, m in zip(PARTITIONS, more, strict=True)}
        serving = switched(serving, version, ends, 1)
    order = [s.version for s in serving.switches]
    for partition in PARTITIONS:
        seen = [acting(serving, partition, offset) for offset in range(ends[partition] + 2)]
        changes = [v for i, v in enumerate(seen) if i == 0 or v != seen[i - 1]]
        remaining = iter(order)
        assert all(version in remaining for version in changes)
        assert seen[-1] == serving.champion
        needed = acting_from(serving, dict(zip(PARTITIONS, start, strict=True)))
        assert set(seen[start[partition] :]) <= set(needed)
