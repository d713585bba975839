import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.fleet.classes import CLASSES
from ingest.fleet.faults import FAULTS, severity, stress
from ingest.fleet.gauges import MachineClass
from ingest.fleet.health import Health
from ingest.fleet.levels import Levels
from ingest.fleet.settings import FleetSettings

START = 1_700_000_000_000
HOUR = 3_600_000
KINDS = tuple(FAULTS)
PAIRS = [(each, kind) for each in CLASSES for kind in each.effects]


def moved(each: MachineClass, kind: str, severe: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """How far a fault moves each gauge, in standard deviations of its noise."""
    levels = Levels(0, [each], 1e6)
    one, none = np.ones(1), np.zeros((2, 1, len(each.gauges)))
    sound = levels.advance(one, 20 * one, 0 * one, (np.array([-1]), 0 * one), none)
    sick = levels.advance(one, 20 * one, 0 * one, (np.array([KINDS.index(kind)]), severe * one), none)
    return ((sick - sound) / np.array([gauge.noise for gauge in each.gauges]))[0]


@pytest.mark.parametrize(("each", "kind"), PAIRS, ids=lambda value: getattr(value, "name", value))
def test_a_fault_moves_the_gauges_of_its_signature_and_no_others(each: MachineClass, kind: str) -> None:
    change, effect = moved(each, kind, 1.0), each.effect(kind)
    assert (np.sign(change) == np.sign(effect)).all()
    assert np.abs(change).max() > 20
    half = moved(each, kind, 0.5)
    assert np.allclose(half, change / 2, atol=1)


def test_kinds_can_be_told_apart() -> None:
    for each in CLASSES:
        shapes = [moved(each, kind, 1.0) for kind in each.effects]
        for i, one in enumerate(shapes):
            for other in shapes[:i]:
                assert one @ other / np.linalg.norm(one) / np.linalg.norm(other) < 0.9


@given(st.sampled_from(range(len(KINDS))), st.floats(0, 1), st.floats(0, 1))
def test_a_fault_only_grows(kind: int, one: float, other: float) -> None:
    grown = severity(np.array([kind, kind, -1]), np.array([min(one, other), max(one, other), other]))
    assert 0 <= grown[0] <= grown[1] <= 1
    assert grown[2] == 0
    assert severity(np.array([kind]), np.ones(1))[0] == pytest.approx(1)


def hours_to_failure(load: float, seed: int) -> float:
    health = Health(FleetSettings(seed=seed, machines=1, faults_per_machine_day=1e6), [[0]], START)
    now = START
    while health.running[0]:
        now += 60_000
        health.advance(now, 60, np.array([load]))
    (fault,) = health.open_faults()
    assert fault.failure == now
    return (now - fault.onset) / HOUR


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1_000))
def test_less_load_makes_a_faulty_machine_last_longer(seed: int) -> None:
    usual, less = hours_to_failure(0.75, seed), hours_to_failure(0.45, seed)
    assert 4 <= usual <= 12.1
    assert less == pytest.approx(usual * stress(np.array([0.75]))[0] / stress(np.array([0.45]))[0], rel=0.02)


def with_fault() -> Health:
    health = Health(FleetSettings(machines=1, faults_per_machine_day=1e6), [[0]], START)
    health.advance(START + HOUR, 60, np.array([0.7]))
    health.advance(START + HOUR + 60_000, 60, np.array([0.7]))
    assert health.severity[0] > 0
    return health


def test_an_inspection_comes_with_notice_and_repairs_the_fault() -> None:
    health = with_fault()
    health.obey(0, "schedule_inspection", START + 2 * HOUR)
    health.advance(START + 3 * HOUR - 1, 60, np.array([0.7]))
    assert health.running[0]
    health.advance(START + 3 * HOUR, 60, np.array([0.7]))
    assert not health.running[0]
    health.advance(START + 4 * HOUR, 60, np.array([0.0]))
    assert health.running[0]
    (fault,) = health.over
    assert (fault.kind, fault.failure, fault.end) == ("bearing_wear", None, START + 4 * HOUR)
    assert health.wear[0] < 0.001


def test_a_stop_keeps_a_fault_from_growing_and_repairs_it() -> None:
    health = with_fault()
    before = health.severity[0]
    health.obey(0, "stop_machine", START + 2 * HOUR)
    health.advance(START + 3 * HOUR, 3_600, np.array([0.0]))
    assert health.severity[0] == before
    assert health.load_factor(START + 3 * HOUR)[0] == 0
    health.advance(START + 4 * HOUR, 3_600, np.array([0.0]))
    assert health.load_factor(START + 4 * HOUR)[0] == 1
    assert health.over[0].failure is None


def test_reduced_load_ends_after_a_day() -> None:
    health = Health(FleetSettings(machines=1, faults_per_machine_day=0), [[0]], START)
    health.obey(0, "reduce_load", START)
    assert health.load_factor(START + 24 * HOUR - 1)[0] == 0.6
    assert health.load_factor(START + 24 * HOUR)[0] == 1.0


def test_an_order_to_a_standing_machine_does_not_prolong_the_standstill() -> None:
    health = with_fault()
    health.obey(0, "stop_machine", START + 2 * HOUR)
    health.obey(0, "stop_machine", START + 3 * HOUR)
    health.obey(0, "schedule_inspection", START + 3 * HOUR)
    health.advance(START + 4 * HOUR, 60, np.array([0.0]))
    assert health.running[0]
    health.advance(START + 5 * HOUR, 60, np.array([0.7]))
    assert health.running[0]


def test_restored_load_ends_the_reduction_and_no_more() -> None:
    health = Health(FleetSettings(machines=2, faults_per_machine_day=0), [[0], [0]], START)
    for machine in (0, 1):
        health.obey(machine, "reduce_load", START)
    health.obey(0, "restore_load", START + HOUR)
    assert list(health.load_factor(START + HOUR)) == [1.0, 0.6]


def test_a_machine_that_is_started_again_runs_on_as_it_was() -> None:
    health = with_fault()
    before = health.severity[0]
    health.obey(0, "stop_machine", START + 2 * HOUR)
    health.obey(0, "start_machine", START + 3 * HOUR)
    assert health.running[0]
    assert health.severity[0] == before
    health.advance(START + 4 * HOUR, 60, np.array([0.7]))
    assert health.running[0]
    assert health.over == []


@pytest.mark.parametrize("stopped_before", [False, True])
def test_a_machine_that_has_failed_or_is_inspected_is_not_started(*, stopped_before: bool) -> None:
    health = with_fault()
    if stopped_before:
        health.obey(0, "stop_machine", START + 2 * HOUR)
        health.obey(0, "start_machine", START + 2 * HOUR)
    health.obey(0, "schedule_inspection", START + 2 * HOUR)
    health.advance(START + 3 * HOUR, 60, np.array([0.7]))
    health.obey(0, "start_machine", START + 3 * HOUR)
    assert not health.running[0]
