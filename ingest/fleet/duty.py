"""How machines are used: steady with the time of day, in two shifts, or in batches; and how warm it is around them."""

import math

import numpy as np

from ingest.fleet.chances import MS_PER_HOUR, NATURE, generator
from ingest.fleet.gauges import Floats

_HOURS = 24.0
_STEADY, _SHIFTS, _BATCHES = range(3)
_LEAST, _MOST = 0.25, 1.05


class Duty:
    """The duty cycles of a fleet.

    Parameters
    ----------
    every_s
        Time between two calls of `advance`, in seconds.
    """

    def __init__(self, seed: int, machines: int, every_s: float) -> None:
        rng = generator(seed, NATURE, 1)
        self._kind = rng.integers(0, 3, machines)
        self._mean = rng.uniform(0.68, 0.82, machines)
        self._phase = rng.uniform(-2, 2, machines)
        self._period = rng.uniform(3, 8, machines)
        self._warmth = rng.normal(18, 3, machines)
        self._wander = np.zeros((2, machines))
        self._keep = math.exp(-every_s / 3_600)

    def advance(self, now: int, shocks: Floats) -> tuple[Floats, Floats]:
        """Return each machine's load (0 to 1, a little above at times) and its surroundings' temperature in degrees C.

        Parameters
        ----------
        now
            Milliseconds since the epoch.
        shocks
            Standard normal numbers, two rows.
        """
        self._wander = self._keep * self._wander + math.sqrt(1 - self._keep**2) * shocks
        hour = now / MS_PER_HOUR
        planned = self._planned(hour)
        load = np.clip(planned + 0.03 * self._wander[0], _LEAST, _MOST)
        day = np.sin(2 * np.pi * (hour - 9 + 0.2 * self._phase) / _HOURS)
        return load, self._warmth + 6 * day + 0.8 * self._wander[1]

    def _planned(self, hour: float) -> Floats:
        of_day = (hour + self._phase) % _HOURS
        steady = self._mean + 0.06 * np.sin(2 * np.pi * (of_day - 8) / _HOURS)
        shifts = np.where((of_day >= 6) & (of_day < 22), self._mean + 0.08, self._mean - 0.25)  # noqa: PLR2004 - two shifts of eight hours
        batches = np.where((hour / self._period) % 1 < 0.6, self._mean + 0.12, self._mean - 0.2)  # noqa: PLR2004 - of a batch, filling takes the rest
        return np.choose(self._kind, [steady, shifts, batches])
