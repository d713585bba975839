"""Random numbers by purpose and machine, so that what befalls one machine changes nothing for the others."""

from typing import Final

import numpy as np

NATURE: Final = 1
"""What machines are like."""

NOISE: Final = 2
"""What every tick draws."""

FAULT: Final = 3
SENSOR: Final = 4

MS_PER_HOUR: Final = 3_600_000
MS_PER_DAY: Final = 24 * MS_PER_HOUR
NEVER: Final = 2**62
"""A time that does not come, in milliseconds since the epoch."""


def generator(seed: int, *purpose: int) -> np.random.Generator:
    """Return the random numbers of a purpose, which may be refined by machine and by episode."""
    return np.random.default_rng([seed, *purpose])


def wait_ms(rng: np.random.Generator, per_day: float) -> int:
    """Draw how long it takes until something happens that happens so many times a day, in milliseconds."""
    return NEVER if per_day == 0 else round(rng.exponential(MS_PER_DAY / per_day))
