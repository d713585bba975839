"""What a machine's sensors show: how a gauge's value follows load and surroundings, and how it is measured."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Gauge(NamedTuple):
    """A measurement of a class of machines.

    Attributes
    ----------
    low, high
        What a sound sensor can show, whatever the machine's state.
    idle
        Value of a machine that stands.
    base, load
        Value of a running machine: `base + load * L`, L its load from 0 to 1.
    noise
        Standard deviation of the measuring noise, and of the slow wander on top.
    ambient
        How much of the surroundings' temperature (in degrees C) it takes on.
    lag_s
        Time constant of following, in seconds; 0 for at once.
    decimals
        To which it is rounded.
    """

    name: str
    unit: str
    low: float
    high: float
    idle: float
    base: float
    load: float
    noise: float
    ambient: float = 0.0
    lag_s: float = 0.0
    decimals: int = 2


class MachineClass(NamedTuple):
    """A class of machines: its gauges, and by fault kind how far each gauge moves at full severity and load."""

    name: str
    letter: str
    gauges: tuple[Gauge, ...]
    effects: dict[str, dict[str, float]]

    @property
    def names(self) -> tuple[str, ...]:
        """The measurements' names in order."""
        return tuple(gauge.name for gauge in self.gauges)

    def effect(self, fault: str) -> Floats:
        """Return how far each gauge moves at full severity and load; refuses a gauge that is not there."""
        moved = self.effects.get(fault, {})
        at = {name: index for index, name in enumerate(self.names)}
        effect = np.zeros(len(self.gauges))
        for name, change in moved.items():
            effect[at[name]] = change
        return effect


def column(gauges: tuple[Gauge, ...], field: str) -> Floats:
    """Return one attribute of all gauges."""
    return np.array([getattr(gauge, field) for gauge in gauges], dtype=np.float64)
