"""The values that sound sensors show: load, surroundings, wear and faults through each gauge's inertia and noise."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from ingest.fleet.chances import NATURE, generator
from ingest.fleet.faults import FAULTS
from ingest.fleet.gauges import Floats, Ints, MachineClass, column

_UNLIKE: Final = 0.04
"""How much machines of a class differ, as a share."""

_WEAR_SHARE: Final = 0.1
"""At full wear the fault-free machine shows so much of its bearing's wear."""

_WANDER_S: Final = 1_800.0
"""How long the slow wander of a gauge remembers, in seconds."""


class Levels:
    """The gauges of a fleet, machines by gauges.

    Parameters
    ----------
    classes
        Each machine's class.
    every_s
        Time between two calls of `advance`, in seconds.

    Attributes
    ----------
    low, high
        What a sound sensor can show.
    """

    def __init__(self, seed: int, classes: Sequence[MachineClass], every_s: float) -> None:
        def of_each(field: str) -> Floats:
            by_class = {each.name: column(each.gauges, field) for each in set_of}
            return np.array([by_class[each.name] for each in classes])

        set_of = {each.name: each for each in classes}.values()
        rng = generator(seed, NATURE, 0)
        self.low, self.high = of_each("low"), of_each("high")
        unlike = 1 + _UNLIKE * np.clip(rng.standard_normal((2, *self.low.shape)), -3, 3)
        self._idle, self._ambient, self._noise = of_each("idle"), of_each("ambient"), of_each("noise")
        exact = (of_each("load") != 0) & (self._idle != of_each("base"))
        self._base = of_each("base") * np.where(exact, unlike[0], 1)
        self._load = of_each("load") * np.where(self._base != 0, unlike[1], 1)
        self._scale = 10.0 ** of_each("decimals")
        lag = of_each("lag_s")
        self._follow = np.where(lag > 0, 1 - np.exp(-every_s / np.maximum(lag, 1e-9)), 1.0)
        self._keep = math.exp(-every_s / _WANDER_S)
        self._wander = np.zeros_like(self.low)
        self._effects = np.array([[each.effect(kind) for kind in FAULTS] for each in set_of])
        order = {name: index for index, name in enumerate(each.name for each in set_of)}
        self._class: Ints = np.array([order[each.name] for each in classes])
        self._level: Floats | None = None

    def advance(
        self, load: Floats, ambient: Floats, wear: Floats, fault: tuple[Ints, Floats], shocks: Floats
    ) -> Floats:
        """Return the values of the next moment.

        Parameters
        ----------
        load
            Each machine's load, 0 to 1; 0 where it stands.
        ambient
            The surroundings' temperature, degrees C.
        wear
            0 to 1.
        fault
            Each machine's fault, its place in `FAULTS` or -1, and how severe it is, 0 to 1.
        shocks
            Standard normal numbers, two machines-by-gauges tables.
        """
        target = self._target(load, ambient) + self._moved(load, wear, *fault)
        self._level = target if self._level is None else self._level + self._follow * (target - self._level)
        self._wander = self._keep * self._wander + math.sqrt(1 - self._keep**2) * shocks[0]
        values = self._level + self._noise * (self._wander + shocks[1])
        values = np.where(self.low == 0, np.abs(values), values)
        return self.rounded(np.clip(values, self.low, self.high))

    def rounded(self, values: Floats) -> Floats:
        """Return values to as many decimals as each gauge has."""
        return np.rint(values * self._scale) / self._scale

    def _target(self, load: Floats, ambient: Floats) -> Floats:
        on = (load > 0)[:, None]
        run = np.where(on, self._base + self._load * load[:, None], self._idle)
        return run + self._ambient * ambient[:, None]

    def _moved(self, load: Floats, wear: Floats, kind: Ints, severe: Floats) -> Floats:
        strength = np.where(load > 0, 0.4 + 0.6 * load, 0.0)
        worn: Floats = (_WEAR_SHARE * wear * strength)[:, None] * self._effects[self._class, 0]
        faulty: Floats = (severe * strength)[:, None] * self._effects[self._class, kind]
        return worn + faulty
