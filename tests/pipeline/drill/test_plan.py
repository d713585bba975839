"""The plan of a drill: every fault once per seed, the same for the same seeds; and its randomness."""

import pytest

from pipeline.drill.faults import FAULTS
from pipeline.drill.plan import LAST, Step, plan, rng_of
from pipeline.errors import RefuseUsageError


def test_every_fault_comes_once_per_seed_and_what_leaves_traces_comes_last() -> None:
    steps = plan(FAULTS, (), (1, 2, 3))
    assert sorted(steps, key=str) == sorted((Step(f, s) for f in FAULTS for s in (1, 2, 3)), key=str)
    assert [step.fault for step in steps[-9:]] == [name for name in LAST for _ in range(3)]
    assert set(LAST) < set(FAULTS)


def test_the_same_seeds_give_the_same_plan_and_each_seed_another_order() -> None:
    steps = plan(FAULTS, (), (1, 2))
    assert steps == plan(FAULTS, (), (1, 2))
    orders = [[step.fault for step in steps if step.seed == seed] for seed in (1, 2)]
    assert orders[0] != orders[1]
    assert [step for step in steps if step.seed == 2] == plan(FAULTS, (), (2,))
    assert rng_of(steps[0]).random() == rng_of(steps[0]).random() != rng_of(steps[1]).random()


def test_only_what_is_asked_for_comes_once_however_often_it_is_named() -> None:
    assert plan(FAULTS, ("burst", "poison", "burst"), (1,)) == plan(FAULTS, ("burst", "poison"), (1,))
    with pytest.raises(RefuseUsageError, match=r"no fault kill-all.*--list"):
        plan(FAULTS, ("burst", "kill-all"), (1,))
