import random

import pytest

from models.errors import RefuseSpecError
from models.events import Reading
from models.features import Entity, row
from models.plan import compile_plan
from models.reference import by_definition
from models.trust import Gate, Sensor

SECOND = 1_000
GATE = Gate(Entity("machine"), [Sensor("heat", 0, 100), Sensor("flow", -5, 5)], stuck_ms=30 * SECOND)
FEATURES = [
    *GATE.features(),
    row("heat", GATE.trusted("heat")),
    row("heat_is_bad", GATE.bad("heat")),
    row("flow_is_bad", GATE.bad("flow")),
]


def judged(heats: list[float | None]) -> list[tuple[float | None, float | None]]:
    """Return the trusted heat and whether it is bad, one reading a second, beside a flow that is always fine."""
    rng = random.Random(1)
    arrived = [
        Reading(
            event_id=f"r{n:04}",
            event_time=1_700_000_000_000 + n * SECOND,
            machine="m1",
            measurements={"heat": heat, "flow": rng.gauss(0, 1)},
        )
        for n, heat in enumerate(heats)
    ]
    found = by_definition(Reading, FEATURES, arrived)
    assert all(values["flow_is_bad"] == 0 for values in found.values())
    return [(found[e.event_id]["heat"], found[e.event_id]["heat_is_bad"]) for e in arrived]


def healthy(count: int) -> list[float | None]:
    rng = random.Random(0)
    return [rng.gauss(50, 5) for _ in range(count)]


def test_a_healthy_sensor_is_believed() -> None:
    values = healthy(100)
    assert judged(values) == [(value, 0.0) for value in values]


def test_a_value_out_of_range_or_missing_is_taken_as_missing() -> None:
    found = judged([50.0, 101.0, -0.5, None, 0.0, 100.0])
    assert [heat for heat, _ in found] == [50.0, None, None, None, 0.0, 100.0]
    assert [bad for _, bad in found] == [0, 1, 1, 1, 0, 0]


def test_a_sensor_is_stuck_when_its_value_repeats_for_so_long() -> None:
    values: list[float | None] = [*healthy(60), *[41.5] * 60, *healthy(20)]
    bad = [bad for _, bad in judged(values)]
    first = bad.index(1)
    assert 60 + 28 <= first <= 60 + 32
    assert bad[first:120] == [1.0] * (120 - first)
    assert bad[125:] == [0.0] * 15


def test_a_value_that_repeats_now_and_then_is_no_stuck_sensor() -> None:
    values: list[float | None] = [float(n // 5) for n in range(200)]
    assert {bad for _, bad in judged(values)} == {0.0}


def test_the_estimator_takes_none_of_the_gates_helpers() -> None:
    assert compile_plan(Reading, FEATURES).features == ["heat", "heat_is_bad", "flow_is_bad"]


def test_what_the_gate_does_not_know_is_refused() -> None:
    with pytest.raises(RefuseSpecError, match="no sensor 'speed'; it has heat, flow"):
        GATE.trusted("speed")
    with pytest.raises(RefuseSpecError, match="range is 5 to 5, which is none"):
        Sensor("speed", 5, 5)
