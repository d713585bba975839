"""Customers and terminals on a plane: who spends how much, how often, and where."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ingest.handbook.settings import HandbookSettings

PLANE: Final = 100.0
LEAST_MEAN_AMOUNT: Final = 5.0
MOST_MEAN_AMOUNT: Final = 100.0

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Population:
    """Who there is; customers and terminals are numbered from 0.

    Attributes
    ----------
    mean_amount
        Each customer's mean amount; the standard deviation is half of it.
    mean_per_day
        Each customer's mean number of transactions a day; 0 for those without a terminal in reach.
    reachable, first, count
        The terminals in reach of customer `c`: `reachable[first[c]:first[c] + count[c]]`.
    """

    mean_amount: Floats
    mean_per_day: Floats
    reachable: Ints
    first: Ints
    count: Ints


def populate(settings: HandbookSettings) -> Population:
    """Draw the population of these settings."""
    rng = np.random.default_rng([settings.seed, 0])
    homes = rng.uniform(0, PLANE, (settings.customers, 2))
    shops = rng.uniform(0, PLANE, (settings.terminals, 2))
    mean_amount = rng.uniform(LEAST_MEAN_AMOUNT, MOST_MEAN_AMOUNT, settings.customers)
    mean_per_day = rng.uniform(0, settings.max_transactions_per_day, settings.customers)
    near = [_within(home, shops, settings.radius) for home in homes]
    count = np.array([len(terminals) for terminals in near])
    first = np.concatenate([[0], np.cumsum(count)[:-1]])
    return Population(mean_amount, np.where(count > 0, mean_per_day, 0), np.concatenate(near), first, count)


def _within(home: Floats, shops: Floats, radius: float) -> Ints:
    return np.flatnonzero(((shops - home) ** 2).sum(axis=1) < radius**2)
