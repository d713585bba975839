import itertools
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.fleet.classes import CLASSES, GAUGES, PUMP, class_of, machine_name
from ingest.fleet.faults import FAULTS
from ingest.fleet.fleet import Fleet
from ingest.fleet.orders import REDUCED_LOAD, Order
from ingest.fleet.settings import FleetSettings
from ingest.fleet.stream import readings
from ingest.fleet.truth import Truth
from models import events
from models.events import Reading

START = 1_700_000_000_000
HOUR = 3_600_000
SOUND = FleetSettings(
    machines=20,
    faults_per_machine_day=0,
    sensor_faults_per_machine_day=0,
    gaps_per_machine_day=0,
    duplicates=0,
)
SMALL = FleetSettings(machines=10, every_s=300, faults_per_machine_day=2, sensor_faults_per_machine_day=2)


def stream(fleet: Fleet, ticks: int, truths: list[Truth] | None = None) -> list[Reading]:
    taken = [] if truths is None else truths
    return list(readings(fleet, ticks, tuple, taken.append))


def series(found: list[Reading], machine: str, measurement: str) -> list[float | None]:
    return [r.measurements[measurement] for r in found if r.machine == machine]


def test_the_same_settings_and_start_give_the_same_readings() -> None:
    first, again = (stream(Fleet(SMALL, START), 200) for _ in range(2))
    assert first == again
    for other in (Fleet(SMALL.model_copy(update={"seed": 1}), START), Fleet(SMALL, START + HOUR)):
        found = stream(other, 200)
        assert {r.event_id for r in found}.isdisjoint({r.event_id for r in first})
        assert [r.measurements for r in found] != [r.measurements for r in first]


def test_every_reading_is_valid_and_of_its_class() -> None:
    names = {each.name: each.names for each in CLASSES}
    for reading in stream(Fleet(SMALL, START), 300):
        assert events.decode(events.encode(reading)) == reading
        assert reading.machine_class is not None
        assert tuple(reading.measurements) == names[reading.machine_class]


def test_a_class_has_twenty_measurements_and_knows_its_faults() -> None:
    assert {len(set(each.names)) for each in CLASSES} == {GAUGES} == {20}
    assert set().union(*(each.effects for each in CLASSES)) == set(FAULTS)
    assert set(PUMP.effects) == set(FAULTS)
    for each in CLASSES:
        assert all(np.any(each.effect(kind)) for kind in each.effects)


def test_the_classes_are_mixed_and_names_are_unique() -> None:
    assert Counter(class_of(n).name for n in range(1_000)) == {"pump": 500, "motor": 300, "turbine": 200}
    assert len({machine_name(n) for n in range(1_000)}) == 1_000
    assert machine_name(0) == "P0001"


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1.0, 60.0, 900.0]))
def test_sound_sensors_keep_to_their_ranges_in_sickness_and_in_health(seed: int, every_s: float) -> None:
    sick = SOUND.model_copy(update={"seed": seed, "every_s": every_s, "faults_per_machine_day": 50})
    low = {g.name: g.low for each in CLASSES for g in each.gauges}
    for of in (SOUND.model_copy(update={"seed": seed, "every_s": every_s}), sick):
        fleet = Fleet(of, START)
        for tick in itertools.islice(iter(fleet.tick, None), 100):
            for each, row in zip(fleet.classes, tick.values, strict=True):
                gauges = each.gauges
                assert all(g.low < v < g.high or v == low[g.name] for g, v in zip(gauges, row, strict=True))


def test_sound_sensors_never_repeat_a_value_for_long() -> None:
    fleet = Fleet(SOUND, START)
    fleet.obey(Order("P0001", "stop_machine"))
    values = np.array([fleet.tick().values for _ in range(100)])
    repeats = (np.diff(values, axis=0) == 0).mean(axis=0)
    assert repeats.max() < 0.25


def test_times_are_irregular_and_in_order() -> None:
    found = stream(Fleet(SOUND, START), 100)
    times = [reading.event_time for reading in found]
    assert times == sorted(times)
    steps = np.diff([r.event_time for r in found if r.machine == "P0001"])
    assert 40_000 < steps.min() < steps.max() < 80_000
    assert steps.std() > 2_000
    assert START <= times[0] < times[-1] < START + 100 * 60_000


def test_gaps_leave_readings_out_and_some_come_twice() -> None:
    lossy = SOUND.model_copy(update={"gaps_per_machine_day": 20, "duplicates": 0.05})
    found = stream(Fleet(lossy, START), 1_440)
    ids = Counter(reading.event_id for reading in found)
    assert set(ids.values()) == {1, 2}
    assert sum(count == 2 for count in ids.values()) / len(ids) == pytest.approx(0.05, abs=0.01)
    numbers = sorted(int(i.rpartition("-")[2]) for i in ids if "-P0001-" in i)
    missed = np.diff(numbers) - 1
    assert 5 < (missed > 0).sum() < 40
    assert {2 <= gap <= 60 for gap in missed[missed > 0].tolist()} == {True}
    twice = [reading for reading in found if ids[reading.event_id] == 2]
    assert all(twice.count(reading) == 2 for reading in twice)


def test_mobile_machines_say_where_they_are() -> None:
    fleet = Fleet(SOUND, START)
    found = stream(fleet, 240)
    moving = {name for name, moves in zip(fleet.names, fleet.places.moving, strict=True) if moves}
    assert {r.machine for r in found if r.latitude is not None} == moving == {"T0004", "T0010"}
    way = np.array([(r.latitude, r.longitude) for r in found if r.machine == "T0004"])
    speed_kmh = np.hypot(*np.diff(way, axis=0).T) * 111 * 60
    assert 5 < speed_kmh.max() < 150


def test_load_follows_duty_cycles_and_the_machine_follows_load() -> None:
    fleet = Fleet(SOUND, START)
    values = np.array([fleet.tick().values for _ in range(1_440)])
    load, power = PUMP.names.index("load"), PUMP.names.index("power")
    spread = values[:, :, load].std(axis=0)
    assert spread.min() > 3
    assert spread.max() > 12
    for machine in range(10):
        assert np.corrcoef(values[:, machine, load], values[:, machine, power])[0, 1] > 0.9


def test_one_fault_at_a_time_ends_in_failure_repair_and_new_life() -> None:
    truths: list[Truth] = []
    fleet = Fleet(SOUND.model_copy(update={"every_s": 300, "faults_per_machine_day": 2}), START)
    found = stream(fleet, 2_000, truths)
    lives = defaultdict(list)
    for truth in truths:
        assert truth.failure is not None
        assert truth.end is not None
        assert truth.onset < truth.failure < truth.end
        assert 2 * HOUR < truth.failure - truth.onset < 40 * HOUR
        assert 2 * HOUR <= truth.end - truth.failure <= 6.2 * HOUR
        lives[truth.machine].append(truth)
    assert {truth.kind for truth in truths} == set(FAULTS)
    for machine, own in lives.items():
        assert all(a.end is not None and a.end <= b.onset for a, b in itertools.pairwise(own)), machine
    first = lives["P0001"][0]
    assert first.failure is not None
    assert first.end is not None
    of_it = [r for r in found if r.machine == "P0001"]
    down = [r for r in of_it if first.failure + 300_000 <= r.event_time < first.end - 300_000]
    after = [r for r in of_it if first.end + 300_000 <= r.event_time < first.end + HOUR]
    assert down
    assert all(r.measurements["speed"] < 10 for r in down)  # type: ignore[operator]
    assert all(r.measurements["speed"] > 1_000 for r in after)  # type: ignore[operator]


def test_an_order_shows_in_the_very_next_reading_and_only_there() -> None:
    with_order, without = (Fleet(SOUND, START) for _ in range(2))
    for fleet in (with_order, without):
        stream(fleet, 50)
    assert with_order.obey(Order("P0001", "reduce_load"))
    obeyed, plain = stream(with_order, 5), stream(without, 5)
    for name in ("load", "power", "flow"):
        pairs = list(zip(series(obeyed, "P0001", name), series(plain, "P0001", name), strict=True))
        assert all(a < 0.85 * b for a, b in pairs if a is not None and b is not None), name
    load = zip(series(obeyed, "P0001", "load"), series(plain, "P0001", "load"), strict=True)
    assert all(
        a == pytest.approx(REDUCED_LOAD * b, abs=3) for a, b in load if a is not None and b is not None
    )
    others = [[r for r in found if r.machine != "P0001"] for found in (obeyed, plain)]
    assert others[0] == others[1]


def test_a_stopped_machine_stands_and_returns() -> None:
    fleet = Fleet(SOUND, START)
    stream(fleet, 10)
    fleet.obey(Order("M0002", "stop_machine"))
    speed = series(stream(fleet, 130), "M0002", "speed")
    standing = [value is not None and value < 10 for value in speed]
    assert standing == [True] * 120 + [False] * 10


def test_an_order_for_a_machine_that_is_not_there_changes_nothing() -> None:
    fleet = Fleet(SOUND, START)
    assert not fleet.obey(Order("X1", "stop_machine"))
    assert fleet.truths == []
