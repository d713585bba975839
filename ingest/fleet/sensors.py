"""Faulty sensors and clocks: what they make of the true values."""

from typing import Final, NamedTuple

import numpy as np

from ingest.fleet.chances import MS_PER_HOUR, NEVER, SENSOR, generator, wait_ms
from ingest.fleet.faults import SENSOR_FAULTS
from ingest.fleet.gauges import Flags, Floats, Ints
from ingest.fleet.settings import FleetSettings

STUCK, DRIFT, SCALED, OUT_OF_RANGE, MISSING, CLOCK = range(len(SENSOR_FAULTS))

FACTORS: Final = (0.001, 0.069, 0.1, 1.8, 10.0, 14.5, 1_000.0)
"""What a value in a wrong unit is multiplied by: prefixes, degrees, pressures."""

DRIFT_SHARE: Final = (0.2, 0.45)
"""How far a drifting sensor has gone in the end: a share of its range."""

SPIKES: Final = 0.3
"""Share of the readings in which a sensor that jumps out of its range does so."""

SKEW_MINUTES: Final = (5.0, 90.0)
"""How far a machine's clock falls behind when it jumps."""


class SensorFault(NamedTuple):
    """A sensor's or clock's fault: machine, kind, place of the measurement (-1 for the clock), times as in `truth`."""

    machine: int
    kind: str
    gauge: int
    onset: int
    end: int | None


class Sensors:
    """The sensors of a fleet; a machine has at most one fault of this sort at a time.

    Parameters
    ----------
    low, high
        The range of each machine's gauges.
    start
        Milliseconds since the epoch.

    Attributes
    ----------
    over
        Faults that ended since somebody last emptied this.
    """

    def __init__(self, settings: FleetSettings, low: Floats, high: Floats, start: int) -> None:
        count = len(low)
        self._settings = settings
        self._low, self._high = low, high
        self._episode = np.zeros(count, dtype=np.int64)
        self._active: Flags = np.zeros(count, dtype=np.bool_)
        self._kind, self._gauge, self._onset, self._end = np.zeros((4, count), dtype=np.int64)
        self._size: Floats = np.zeros(count)
        self._held: Floats = np.full(count, np.nan)
        self.over: list[SensorFault] = []
        for machine in range(count):
            self._plan(machine, start)

    def advance(self, now: int) -> None:
        """Begin and end faults up to this time (milliseconds since the epoch)."""
        for machine in np.flatnonzero(self._active & (self._end <= now)):
            self.over.append(self._fault(int(machine), now))
            self._plan(int(machine), now)
        self._active |= self._onset <= now

    def skew_ms(self) -> Ints:
        """Return how far each machine's clock is behind, in milliseconds."""
        return np.where(self._active & (self._kind == CLOCK), self._size, 0).astype(np.int64)

    def measure(self, now: int, values: Floats, luck: Floats) -> None:
        """Replace the values of faulty sensors, in place; NaN is a missing value.

        Parameters
        ----------
        values
            Machines by gauges, as sound sensors would show them.
        luck
            For each machine two numbers between 0 and 1.
        """
        rows = np.flatnonzero(self._active & (self._kind != CLOCK))
        at = (rows, self._gauge[rows])
        sound = values[at]
        fresh = np.isnan(self._held[rows])
        self._held[rows] = np.where(fresh, sound, self._held[rows])
        shown = [
            self._held[rows],
            self._drifted(now, rows, sound),
            sound * self._size[rows],
            self._jumped(rows, sound, luck),
            np.full(len(rows), np.nan),
        ]
        values[at] = np.choose(self._kind[rows], shown)

    def open_faults(self) -> list[SensorFault]:
        """Return the faults that have begun and are not over."""
        return [self._fault(int(machine), None) for machine in np.flatnonzero(self._active)]

    def _drifted(self, now: int, rows: Ints, sound: Floats) -> Floats:
        at = (rows, self._gauge[rows])
        share = (now - self._onset[rows]) / np.maximum(1, self._end[rows] - self._onset[rows])
        moved: Floats = sound + self._size[rows] * share * (self._high[at] - self._low[at])
        return np.clip(moved, self._low[at], self._high[at])

    def _jumped(self, rows: Ints, sound: Floats, luck: Floats) -> Floats:
        at = (rows, self._gauge[rows])
        span = self._high[at] - self._low[at]
        far = (0.1 + luck[rows, 1]) * span
        outside: Floats = np.where(self._size[rows] > 0, self._high[at] + far, self._low[at] - far)
        return np.where(luck[rows, 0] < SPIKES, outside, sound)

    def _plan(self, machine: int, now: int) -> None:
        """Decide which fault comes next, when, and for how long."""
        rng = generator(self._settings.seed, SENSOR, machine, int(self._episode[machine]))
        self._episode[machine] += 1
        kind = int(rng.integers(len(SENSOR_FAULTS)))
        lasting = self._settings.sensor_fault_hours * rng.uniform(0.5, 1.5) * MS_PER_HOUR
        onset = min(NEVER, now + wait_ms(rng, self._settings.sensor_faults_per_machine_day))
        self._kind[machine] = kind
        self._gauge[machine] = rng.integers(self._low.shape[1])
        self._onset[machine], self._end[machine] = onset, onset + round(lasting)
        self._size[machine] = _size(kind, rng)
        self._held[machine] = np.nan
        self._active[machine] = False

    def _fault(self, machine: int, end: int | None) -> SensorFault:
        kind = int(self._kind[machine])
        gauge = -1 if kind == CLOCK else int(self._gauge[machine])
        return SensorFault(machine, SENSOR_FAULTS[kind], gauge, int(self._onset[machine]), end)


def _size(kind: int, rng: np.random.Generator) -> float:
    """Draw how far a drift goes, with its sign; by what is multiplied; in which direction; how far a clock is behind."""
    sign = float(rng.choice([-1.0, 1.0]))
    match kind:
        case kind if kind == DRIFT:
            return sign * float(rng.uniform(*DRIFT_SHARE))
        case kind if kind == SCALED:
            return float(rng.choice(FACTORS))
        case kind if kind == CLOCK:
            return float(rng.uniform(*SKEW_MINUTES)) * 60_000
    return sign
