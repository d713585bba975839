"""One day of transactions, a function of the settings and the date alone, so that any day can come first.

Two things differ from the book, because days are made one by one: of a compromised customer's transactions
each is a fraud with probability 1/3 (the book picks a third of 14 days), and a customer compromised twice
at the same time pays five times the amount, not 25 times.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ingest.handbook.frauds import compromised_customers, compromised_terminals
from ingest.handbook.population import Floats, Ints, Population
from ingest.handbook.settings import HandbookSettings

SECONDS: Final = 86_400
FRAUD_AMOUNT: Final = 220.0
"""Scenario 1: every higher amount is a fraud."""

FRAUD_SHARE: Final = 1 / 3
"""Scenario 3: so many of a compromised customer's transactions are frauds."""

FRAUD_FACTOR: Final = 5.0
"""Scenario 3: their amounts are so many times the usual."""

_TIME_SPREAD: Final = 20_000
_TRANSACTIONS: Final = 1


@dataclass(frozen=True)
class Day:
    """The transactions of one day, in order of time.

    Attributes
    ----------
    second
        Seconds since midnight UTC.
    customer, terminal
        Their numbers.
    """

    date: date
    second: Ints
    customer: Ints
    terminal: Ints
    amount: Floats
    fraud: NDArray[np.bool_]


def make_day(settings: HandbookSettings, population: Population, on: date) -> Day:
    """Make the transactions of a day (UTC), frauds included."""
    day = on.toordinal()
    rng = np.random.default_rng([settings.seed, _TRANSACTIONS, day])
    customer = np.repeat(np.arange(settings.customers), rng.poisson(population.mean_per_day))
    second = rng.normal(SECONDS / 2, _TIME_SPREAD, len(customer)).astype(np.int64)
    at_day = (second > 0) & (second < SECONDS)
    customer, second = customer[at_day], second[at_day]
    order = np.argsort(second, kind="stable")
    customer, second = customer[order], second[order]
    terminal = _terminals(population, customer, rng)
    amount = _amounts(population.mean_amount[customer], rng)
    stolen = np.isin(customer, compromised_customers(settings, day)) & (
        rng.random(len(customer)) < FRAUD_SHARE
    )
    fraud = (amount > FRAUD_AMOUNT) | np.isin(terminal, compromised_terminals(settings, day)) | stolen
    amount = np.where(stolen, amount * FRAUD_FACTOR, amount).round(2)
    return Day(on, second, customer, terminal, amount, fraud)


def _terminals(population: Population, customer: Ints, rng: np.random.Generator) -> Ints:
    pick = (rng.random(len(customer)) * population.count[customer]).astype(np.int64)
    terminal: Ints = population.reachable[population.first[customer] + pick]
    return terminal


def _amounts(mean: Floats, rng: np.random.Generator) -> Floats:
    amount = rng.normal(mean, mean / 2)
    instead = rng.uniform(0, 2 * mean)
    return np.where(amount < 0, instead, amount).round(2)
