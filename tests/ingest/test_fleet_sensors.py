from collections import Counter
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ingest.fleet.faults import SENSOR_FAULTS
from ingest.fleet.fleet import Fleet
from ingest.fleet.sensors import FACTORS, SKEW_MINUTES, SPIKES, Sensors
from ingest.fleet.settings import FleetSettings
from ingest.fleet.stream import readings
from ingest.fleet.truth import Truth

START = 1_700_000_000_000
MINUTE = 60_000
LOW, HIGH = -10.0, 90.0


class Bench:
    """Sensors of many machines with three gauges each, whose faults all begin at once."""

    def __init__(self) -> None:
        self.settings = FleetSettings(machines=300, sensor_faults_per_machine_day=1e7)
        self.rng = np.random.default_rng(1)
        shape = (self.settings.machines, 3)
        self.sensors = Sensors(self.settings, np.full(shape, LOW), np.full(shape, HIGH), START)
        self.true: list[NDArray[np.float64]] = []
        self.shown: list[NDArray[np.float64]] = []
        self.skew: list[NDArray[np.int64]] = []

    def run(self, minutes: int) -> "Bench":
        for minute in range(1, minutes + 1):
            now = START + minute * MINUTE
            values = self.rng.uniform(20, 60, (self.settings.machines, 3))
            self.true.append(values.copy())
            self.sensors.advance(now)
            self.sensors.measure(now, values, self.rng.random((self.settings.machines, 2)))
            self.shown.append(values)
            self.skew.append(self.sensors.skew_ms())
        return self

    def of(self, kind: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """True and shown values of the gauges with this kind of fault: a row a gauge."""
        at = [(f.machine, f.gauge) for f in self.sensors.open_faults() if f.kind == kind]
        assert len(at) > 20
        rows, gauges = zip(*at, strict=True)
        return np.array(self.true)[:, rows, gauges].T, np.array(self.shown)[:, rows, gauges].T


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench().run(60)


def test_every_kind_of_fault_happens_to_one_gauge_of_a_machine(bench: Bench) -> None:
    found = bench.sensors.open_faults()
    assert {fault.kind for fault in found} == set(SENSOR_FAULTS)
    assert len(found) == bench.settings.machines
    true, shown = np.array(bench.true), np.array(bench.shown)
    differs = (true != shown).any(axis=0).sum(axis=1)
    expected = np.ones(bench.settings.machines)
    for fault in found:
        expected[fault.machine] = fault.kind != "clock"
    assert (differs == expected).all()


def test_a_stuck_sensor_shows_the_value_of_its_onset(bench: Bench) -> None:
    true, shown = bench.of("stuck")
    assert (shown == true[:, :1]).all()


def test_a_drifting_sensor_moves_away_steadily(bench: Bench) -> None:
    true, shown = bench.of("drift")
    error = (shown - true) / (HIGH - LOW)
    inside = (shown > LOW) & (shown < HIGH)
    assert np.abs(error[:, 0]).max() < 0.01
    for row, free in zip(error, inside, strict=True):
        assert len(set(np.sign(row[free]))) == 1
        assert np.ptp(np.diff(row[free]) / np.diff(np.flatnonzero(free))) < 1e-9
    assert np.abs(error[:, -1][inside[:, -1]]).min() > 0.03
    assert shown.min() >= LOW
    assert shown.max() <= HIGH


def test_a_mis_scaled_sensor_has_one_wrong_factor(bench: Bench) -> None:
    true, shown = bench.of("scaled")
    factor = shown / true
    assert np.ptp(factor, axis=1).max() < 1e-9
    assert set(factor[:, 0].round(6).tolist()) == set(FACTORS)


def test_some_readings_of_a_jumping_sensor_leave_the_range(bench: Bench) -> None:
    true, shown = bench.of("out_of_range")
    outside = (shown < LOW) | (shown > HIGH)
    assert ((shown == true) | outside).all()
    assert outside.mean() == pytest.approx(SPIKES, abs=0.05)


def test_a_missing_sensor_shows_nothing(bench: Bench) -> None:
    _, shown = bench.of("missing")
    assert np.isnan(shown).all()


def test_a_clock_falls_behind_and_jumps_back(bench: Bench) -> None:
    late = {fault.machine for fault in bench.sensors.open_faults() if fault.kind == "clock"}
    skew = bench.skew[-1]
    assert set(np.flatnonzero(skew).tolist()) == late
    least, most = (minutes * MINUTE for minutes in SKEW_MINUTES)
    assert ((skew[skew > 0] >= least) & (skew[skew > 0] <= most)).all()


def test_faults_end_and_are_told() -> None:
    bench = Bench().run(320)
    hours = [(f.end - f.onset) / 3_600_000 for f in bench.sensors.over if f.end is not None]
    assert len(hours) >= bench.settings.machines
    assert 1.5 <= min(hours) < 2
    assert 4 < max(hours) < 4.6
    assert np.mean(hours) == pytest.approx(3, abs=0.2)


def test_readings_show_what_the_truth_says() -> None:
    settings = FleetSettings(
        machines=20,
        sensor_faults_per_machine_day=4,
        faults_per_machine_day=0,
        gaps_per_machine_day=0,
        duplicates=0,
    )
    truths: list[Truth] = []
    found = list(readings(Fleet(settings, START), 1_440, tuple, truths.append))
    for truth in truths:
        own = [(n, r) for n, r in enumerate(r for r in found if r.machine == truth.machine)]
        during = [
            r for n, r in own if truth.onset <= START + n * MINUTE and _before(truth, START + n * MINUTE)
        ]
        assert during
        if truth.what == "clock":
            lag = [START + n * MINUTE - r.event_time for n, r in own if r in during]
            assert min(lag) > 4 * MINUTE
        elif truth.kind in ("missing", "stuck"):
            values = {r.measurements[str(truth.measurement)] for r in during}
            assert len(values) == 1
            assert (None in values) == (truth.kind == "missing")
    assert {truth.kind for truth in truths} == set(SENSOR_FAULTS)
    assert all(None not in r.measurements.values() for r in found if r.machine not in _missing(truths))


def test_only_clock_faults_break_the_order_of_a_machines_times() -> None:
    fleet = Fleet(FleetSettings(machines=20, sensor_faults_per_machine_day=4, duplicates=0), START)
    truths: list[Truth] = []
    found = list(readings(fleet, 1_440, tuple, truths.append))
    back: Counter[str] = Counter()
    last: dict[str, int] = {}
    for reading in found:
        back[reading.machine] += reading.event_time <= last.get(reading.machine, 0)
        last[reading.machine] = reading.event_time
    clocks = Counter(t.machine for t in [*truths, *fleet.open_truths()] if t.what == "clock")
    assert clocks.total() > 5
    assert +back == clocks


def _before(truth: Truth, time: int) -> bool:
    return truth.end is None or time < truth.end


def _missing(truths: list[Truth]) -> set[Any]:
    return {truth.machine for truth in truths if truth.kind == "missing"}
