"""Where machines are: at one of four sites, or on the road around it."""

from typing import Final

import numpy as np

from ingest.fleet.chances import MS_PER_HOUR, NATURE, generator
from ingest.fleet.classes import TURBINE, class_of
from ingest.fleet.gauges import Flags, Floats

_SITES: Final = np.array([[48.21, 16.37], [48.31, 14.29], [47.07, 15.44], [47.81, 13.04]])


class Places:
    """The places of a fleet; every second turbine is a mobile one.

    Attributes
    ----------
    moving
        Which machines move.
    home
        Latitude and longitude of each, degrees: where it stands, or the middle of its tour.
    """

    def __init__(self, seed: int, machines: int) -> None:
        rng = generator(seed, NATURE, 2)
        self.home: Floats = _SITES[rng.integers(0, len(_SITES), machines)] + rng.normal(
            0, 0.01, (machines, 2)
        )
        self.moving: Flags = np.array([_moves(number) for number in range(machines)])
        self._phase = rng.uniform(0, 2 * np.pi, machines)
        self._hours = rng.uniform(6, 12, machines)
        self._radius = rng.uniform(0.05, 0.25, machines)

    def at(self, now: int) -> Floats:
        """Return latitude and longitude of each machine at this time (milliseconds since the epoch)."""
        angle = 2 * np.pi * now / MS_PER_HOUR / self._hours + self._phase
        reach = np.where(self.moving, self._radius, 0.0)
        tour: Floats = reach[:, None] * np.column_stack([np.sin(angle), np.cos(2 * angle)])
        return self.home + tour


def _moves(number: int) -> bool:
    return class_of(number) is TURBINE and number % 20 < 10  # noqa: PLR2004 - the classes repeat every ten
