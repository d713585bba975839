"""The fleet, tick by tick: one moment of every machine at a time, so that an order shows in the very next reading."""

from typing import Final, NamedTuple

import numpy as np

from ingest.fleet.chances import NATURE, NOISE, generator
from ingest.fleet.classes import GAUGES, class_of, machine_name
from ingest.fleet.duty import Duty
from ingest.fleet.faults import FAULTS
from ingest.fleet.gauges import Flags, Floats, Ints, MachineClass
from ingest.fleet.health import Fault, Health
from ingest.fleet.levels import Levels
from ingest.fleet.orders import Order
from ingest.fleet.places import Places
from ingest.fleet.sensors import SensorFault, Sensors
from ingest.fleet.settings import FleetSettings
from ingest.fleet.truth import Truth

_JITTER: Final = 0.2
"""A machine's readings come up to half of this share of the interval early or late."""

_GAP: Final = (2, 21)
"""How many readings in a row get lost in a gap."""

_KINDS: Final = tuple(FAULTS)


class Tick(NamedTuple):
    """One reading of every machine, in the order of their numbers.

    Attributes
    ----------
    number
        Ticks are counted from 0.
    true_time, time
        When each was measured, and what the machine's clock said; milliseconds since the epoch.
    values
        Machines by gauges; NaN for what is missing.
    sent, twice
        Which of them arrive, and which of those twice.
    places
        Latitude and longitude of each machine, degrees.
    """

    number: int
    true_time: Ints
    time: Ints
    values: Floats
    sent: Flags
    twice: Flags
    places: Floats


class Fleet:
    """Machines living through time.

    Parameters
    ----------
    start
        Milliseconds since the epoch.

    Attributes
    ----------
    classes, names
        Of each machine.
    truths
        What was over since somebody last emptied this.
    """

    def __init__(self, settings: FleetSettings, start: int) -> None:
        count = settings.machines
        self.settings = settings
        self.start = start
        self.classes = [class_of(number) for number in range(count)]
        self.names = [machine_name(number) for number in range(count)]
        self.places = Places(settings.seed, count)
        self.truths: list[Truth] = []
        self._at = {name: number for number, name in enumerate(self.names)}
        self._every_ms = settings.every_s * 1_000
        self._rng = generator(settings.seed, NOISE)
        self._phase = generator(settings.seed, NATURE, 3).uniform(_JITTER / 2, 1 - _JITTER / 2, count)
        self._duty = Duty(settings.seed, count, settings.every_s)
        self._levels = Levels(settings.seed, self.classes, settings.every_s)
        self._health = Health(settings, [_possible(each) for each in self.classes], start)
        self._sensors = Sensors(settings, self._levels.low, self._levels.high, start)
        self._gap: Ints = np.zeros(count, dtype=np.int64)
        self._ticks = 0

    @property
    def now(self) -> int:
        """When the next tick begins, milliseconds since the epoch."""
        return self.start + round(self._ticks * self._every_ms)

    def obey(self, order: Order) -> bool:
        """Carry out an order before the next tick; False when there is no such machine."""
        machine = self._at.get(order.machine)
        if machine is None:
            return False
        self._health.obey(machine, order.kind, self.now)
        self.truths.append(self._of_order(machine, order))
        return True

    def tick(self) -> Tick:
        """Let one interval pass and return its readings."""
        now, number = self.now, self._ticks
        self._ticks += 1
        values = self._measured(now)
        chance = self._rng.random((4, len(self.names)))
        true_time = now + np.rint((self._phase + _JITTER * (chance[0] - 0.5)) * self._every_ms).astype(int)
        sent = self._sent(chance[1], chance[2])
        twice = sent & (chance[3] < self.settings.duplicates)
        time = true_time - self._sensors.skew_ms()
        self._collect()
        return Tick(number, true_time, time, values, sent, twice, self.places.at(now))

    def open_truths(self) -> list[Truth]:
        """Return what is not over yet."""
        faults = [self._of_fault(fault) for fault in self._health.open_faults()]
        return faults + [self._of_sensor(fault) for fault in self._sensors.open_faults()]

    def _measured(self, now: int) -> Floats:
        count = len(self.names)
        planned, ambient = self._duty.advance(now, self._rng.standard_normal((2, count)))
        load = planned * self._health.load_factor(now)
        self._health.advance(now, self.settings.every_s, load)
        load = planned * self._health.load_factor(now)
        fault = (self._health.kind, self._health.severity)
        shocks = self._rng.standard_normal((2, count, GAUGES))
        values = self._levels.advance(load, ambient, self._health.wear, fault, shocks)
        self._sensors.advance(now)
        self._sensors.measure(now, values, self._rng.random((count, 2)))
        return self._levels.rounded(values)

    def _sent(self, chance: Floats, length: Floats) -> Flags:
        per_tick = self.settings.gaps_per_machine_day * self.settings.every_s / 86_400
        least, most = _GAP
        begins = (self._gap == 0) & (chance < per_tick)
        self._gap = np.where(
            begins, least + (length * (most - least)).astype(int), np.maximum(0, self._gap - 1)
        )
        sent: Flags = self._gap == 0
        return sent

    def _collect(self) -> None:
        self.truths += [self._of_fault(fault) for fault in self._health.over]
        self.truths += [self._of_sensor(fault) for fault in self._sensors.over]
        self._health.over.clear()
        self._sensors.over.clear()

    def _of_fault(self, fault: Fault) -> Truth:
        return Truth(
            machine=self.names[fault.machine],
            machine_class=self.classes[fault.machine].name,
            what="fault",
            kind=fault.kind,
            onset=fault.onset,
            failure=fault.failure,
            end=fault.end,
        )

    def _of_sensor(self, fault: SensorFault) -> Truth:
        of_clock = fault.gauge < 0
        return Truth(
            machine=self.names[fault.machine],
            machine_class=self.classes[fault.machine].name,
            what="clock" if of_clock else "sensor",
            kind=fault.kind,
            onset=fault.onset,
            end=fault.end,
            measurement=None if of_clock else self.classes[fault.machine].names[fault.gauge],
        )

    def _of_order(self, machine: int, order: Order) -> Truth:
        return Truth(
            machine=order.machine,
            machine_class=self.classes[machine].name,
            what="command",
            kind=order.kind,
            onset=self.now,
        )


def _possible(machine_class: MachineClass) -> list[int]:
    return [index for index, kind in enumerate(_KINDS) if kind in machine_class.effects]
