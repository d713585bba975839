"""Latencies in bounded memory: a ring of the latest ones, and a fair sample of all."""

import random
from dataclasses import dataclass
from typing import Final

import numpy as np

SIZE: Final = 32_768
"""How many latencies each collection keeps."""


@dataclass(frozen=True)
class Percentiles:
    """Of `count` latencies in milliseconds; NaN without any."""

    count: int
    p50: float
    p99: float


class Latencies:
    """Collects latencies.

    Parameters
    ----------
    rng
        Chooses the sample of all latencies (Vitter's algorithm R).
    size
        How many are kept at most, of the latest and of all.
    """

    def __init__(self, rng: random.Random, size: int = SIZE) -> None:
        self._rng = rng
        self._size = size
        self._at = np.zeros(size)
        self._latest = np.zeros(size)
        self._sample = np.zeros(size)
        self.count = 0

    def add(self, at_ms: float, latency_ms: float) -> None:
        """Take one latency that ended at this time."""
        slot = self.count % self._size
        self._at[slot], self._latest[slot] = at_ms, latency_ms
        place = self.count if self.count < self._size else self._rng.randrange(self.count + 1)
        if place < self._size:
            self._sample[place] = latency_ms
        self.count += 1

    def since(self, at_ms: float) -> Percentiles:
        """Return the percentiles of those that ended at or after this time, as far as they are kept."""
        kept = min(self.count, self._size)
        return _percentiles(self._latest[:kept][self._at[:kept] >= at_ms])

    def overall(self) -> Percentiles:
        """Return the percentiles of all, from the sample where there were more than are kept."""
        found = _percentiles(self._sample[: min(self.count, self._size)])
        return Percentiles(self.count, found.p50, found.p99)


def _percentiles(values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> Percentiles:
    if not len(values):
        return Percentiles(0, float("nan"), float("nan"))
    p50, p99 = np.percentile(values, (50, 99))
    return Percentiles(len(values), float(p50), float(p99))
