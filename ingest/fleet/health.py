"""Which machines run, which are wearing out, and which have a fault: the state that commands act on."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from ingest.fleet import orders
from ingest.fleet.chances import FAULT, MS_PER_HOUR, NEVER, generator, wait_ms
from ingest.fleet.faults import FAULTS, severity, stress
from ingest.fleet.gauges import Flags, Floats, Ints
from ingest.fleet.orders import OrderKind
from ingest.fleet.settings import FleetSettings

_WEAR_S: Final = 2_000 * 3_600.0
_RUNS: Final = NEVER
_KINDS: Final = tuple(FAULTS)


class Fault(NamedTuple):
    """A machine's fault, from its onset to the end of its repair; times as in `ingest.fleet.truth`."""

    machine: int
    kind: str
    onset: int
    failure: int | None
    end: int | None


class Health:
    """The state of each machine of a fleet.

    Parameters
    ----------
    possible
        For each machine the places in `FAULTS` of the faults it can have.
    start
        Milliseconds since the epoch.

    Attributes
    ----------
    wear
        0 for a new machine, 1 after a long life.
    over
        Faults that ended since somebody last emptied this.
    """

    def __init__(self, settings: FleetSettings, possible: Sequence[Sequence[int]], start: int) -> None:
        count = len(possible)
        self._settings = settings
        self._possible = possible
        self._episode = np.zeros(count, dtype=np.int64)
        self._kind: Ints = np.zeros(count, dtype=np.int64)
        self._active: Flags = np.zeros(count, dtype=np.bool_)
        self._progress: Floats = np.zeros(count)
        self._life_s: Floats = np.ones(count)
        self._onset: Ints = np.zeros(count, dtype=np.int64)
        self._failure: Ints = np.full(count, NEVER)
        self._down_until: Ints = np.full(count, _RUNS)
        self._stopped: Flags = np.zeros(count, dtype=np.bool_)
        self._inspection: Ints = np.full(count, NEVER)
        self._reduced_until: Ints = np.zeros(count, dtype=np.int64)
        self.wear: Floats = generator(settings.seed, FAULT).uniform(0, 0.3, count)
        self.over: list[Fault] = []
        for machine in range(count):
            self._plan(machine, start)

    @property
    def running(self) -> Flags:
        """Which machines run."""
        running: Flags = self._down_until == _RUNS
        return running

    @property
    def kind(self) -> Ints:
        """Each machine's fault, its place in `FAULTS`; -1 for none."""
        return np.where(self._active, self._kind, -1)

    @property
    def severity(self) -> Floats:
        """How severe its fault is, 0 to 1."""
        return severity(self.kind, self._progress)

    def load_factor(self, now: int) -> Floats:
        """Return how much of its planned load each machine has; 0 where it stands."""
        reduced = np.where(self._reduced_until > now, orders.REDUCED_LOAD, 1.0)
        return np.where(self.running, reduced, 0.0)

    def advance(self, now: int, seconds: float, load: Floats) -> None:
        """Let time pass up to `now` (milliseconds since the epoch) at this load: wear, onsets, failures, repairs."""
        for machine in np.flatnonzero(self._down_until <= now):
            self._return(int(machine), now)
        hard = np.where(self.running, stress(load), 0.0)
        self.wear = np.minimum(1.0, self.wear + hard * seconds / _WEAR_S)
        self._progress += np.where(self._active, hard * seconds / self._life_s, 0.0)
        self._active |= (self._onset <= now) & self.running
        for machine in np.flatnonzero((self._progress >= 1) & self.running):
            self._fail(int(machine), now)
        for machine in np.flatnonzero((self._inspection <= now) & self.running):
            self._down_until[machine] = now + orders.INSPECTION_MS

    def obey(self, machine: int, kind: OrderKind, now: int) -> None:
        """Carry out an order from this time on; a machine that stands already is being repaired anyway."""
        if not self.running[machine]:
            if kind == "start_machine" and self._stopped[machine]:
                self._down_until[machine] = _RUNS
                self._stopped[machine] = False
            return
        match kind:
            case "reduce_load":
                self._reduced_until[machine] = now + orders.REDUCED_MS
            case "restore_load":
                self._reduced_until[machine] = 0
            case "stop_machine":
                self._down_until[machine] = now + orders.STOP_MS
                self._stopped[machine] = True
            case "schedule_inspection":
                self._inspection[machine] = min(int(self._inspection[machine]), now + orders.NOTICE_MS)

    def open_faults(self) -> list[Fault]:
        """Return the faults that have begun and are not over."""
        return [self._fault(int(machine), None) for machine in np.flatnonzero(self._active)]

    def _plan(self, machine: int, now: int) -> None:
        """Decide which fault comes next, and when."""
        rng = generator(self._settings.seed, FAULT, machine, int(self._episode[machine]))
        self._episode[machine] += 1
        self._kind[machine] = rng.choice(self._possible[machine])
        self._life_s[machine] = self._settings.fault_hours * rng.uniform(0.5, 1.5) * 3_600
        self._onset[machine] = min(NEVER, now + wait_ms(rng, self._settings.faults_per_machine_day))
        self._active[machine] = False
        self._progress[machine] = 0.0
        self._failure[machine] = NEVER

    def _fail(self, machine: int, now: int) -> None:
        rng = generator(self._settings.seed, FAULT, machine, int(self._episode[machine]), 1)
        self._failure[machine] = now
        self._down_until[machine] = now + round(rng.uniform(*orders.REPAIR_HOURS) * MS_PER_HOUR)

    def _return(self, machine: int, now: int) -> None:
        """Put a machine into service again, as good as new if it had a fault."""
        self._down_until[machine] = _RUNS
        self._stopped[machine] = False
        self._inspection[machine] = NEVER
        self._reduced_until[machine] = 0
        if self._active[machine]:
            self.over.append(self._fault(machine, now))
            self.wear[machine] = 0.0
            self._plan(machine, now)
        self._onset[machine] = max(int(self._onset[machine]), now)

    def _fault(self, machine: int, end: int | None) -> Fault:
        failure = int(self._failure[machine])
        return Fault(
            machine,
            _KINDS[self._kind[machine]],
            int(self._onset[machine]),
            None if failure == NEVER else failure,
            end,
        )
