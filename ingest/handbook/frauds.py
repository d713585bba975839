"""Who is compromised on which day: scenarios 2 and 3 of the Fraud Detection Handbook."""

from typing import Final

import numpy as np

from ingest.handbook.population import Ints
from ingest.handbook.settings import HandbookSettings

TERMINAL_DAYS: Final = 28
"""How long a terminal stays compromised, in days."""

CUSTOMER_DAYS: Final = 14
"""How long a customer's card stays compromised, in days."""

_TERMINALS, _CUSTOMERS = 2, 3


def compromised_terminals(settings: HandbookSettings, day: int) -> Ints:
    """Return the terminals that are compromised on a day (its ordinal)."""
    days = range(day - TERMINAL_DAYS + 1, day + 1)
    return _hit(settings, _TERMINALS, days, settings.terminals_hit, settings.terminals)


def compromised_customers(settings: HandbookSettings, day: int) -> Ints:
    """Return the customers whose cards are compromised on a day (its ordinal)."""
    days = range(day - CUSTOMER_DAYS + 1, day + 1)
    return _hit(settings, _CUSTOMERS, days, settings.customers_hit, settings.customers)


def _hit(settings: HandbookSettings, scenario: int, days: range, mean: float, population: int) -> Ints:
    hits = [_newly_hit(settings.seed, scenario, day, mean, population) for day in days]
    return np.unique(np.concatenate(hits))


def _newly_hit(seed: int, scenario: int, day: int, mean: float, population: int) -> Ints:
    """Draw those hit on one day: the whole part of the mean, and one more as often as its fraction says."""
    rng = np.random.default_rng([seed, scenario, day])
    number = int(mean) + int(rng.random() < mean % 1)
    return rng.choice(population, min(number, population), replace=False)
