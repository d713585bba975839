"""The days as events: transactions and, days later, their labels, in order of event time."""

from collections import deque
from collections.abc import Iterator
from datetime import date, timedelta
from hashlib import blake2b
from typing import Final

import numpy as np
import pyarrow as pa

from ingest.handbook.days import SECONDS, Day, make_day
from ingest.handbook.population import Ints, populate
from ingest.handbook.settings import HandbookSettings
from ingest.masking import luhn
from ingest.rows import label_of
from ingest.tokens import Tokenizer
from models.events import Event, Transaction

MS_PER_DAY: Final = SECONDS * 1_000
_EPOCH: Final = date(1970, 1, 1).toordinal()

COLUMNS: Final = pa.schema([
    ("id", pa.string()), ("time", pa.int64()), ("card", pa.string()), ("terminal", pa.string()),
    ("amount", pa.float64()), ("fraud", pa.bool_()),
])  # fmt: skip
"""What history looks like; `time` in milliseconds since the epoch."""


class World:
    """A population living through the days, with names for everything.

    Parameters
    ----------
    settings
        The process.
    tokenizer
        For the customers' card numbers.
    """

    def __init__(self, settings: HandbookSettings, tokenizer: Tokenizer) -> None:
        self.settings = settings
        self._population = populate(settings)
        self._cards = np.array([tokenizer.token(card_number(c)) for c in range(settings.customers)])
        self._terminals = np.array([f"T{terminal}" for terminal in range(settings.terminals)])
        self._name = blake2b(settings.model_dump_json().encode(), digest_size=3).hexdigest()

    def batch(self, on: date) -> pa.RecordBatch:
        """Return the transactions of a day (UTC) with their verdicts, as `COLUMNS` says."""
        day = make_day(self.settings, self._population, on)
        columns = [
            self._ids(day),
            _times(day),
            self._cards[day.customer],
            self._terminals[day.terminal],
            day.amount,
            day.fraud,
        ]
        return pa.record_batch([pa.array(c, f.type) for c, f in zip(columns, COLUMNS, strict=True)], COLUMNS)

    def events(self, first_day: date, days: int | None) -> Iterator[Event]:
        """Yield the events of so many days, or without end; at the end the labels that are still due."""
        return _merged(
            (self._transactions(on) for on in _dates(first_day, days)), self.settings.label_delay_days
        )

    def _transactions(self, on: date) -> list[tuple[Transaction, bool]]:
        columns = self.batch(on).to_pydict().values()
        return [
            (
                Transaction(event_id=event_id, event_time=time, card=card, terminal=terminal, amount=amount),
                fraud,
            )
            for event_id, time, card, terminal, amount, fraud in zip(*columns, strict=True)
        ]

    def _ids(self, day: Day) -> list[str]:
        return [f"sim-{self._name}-{day.date:%Y%m%d}-{number}" for number in range(len(day.second))]


def card_number(customer: int) -> str:
    """Return the customer's card number: 16 digits with a right check digit."""
    start = f"4{customer:014d}"
    return next(start + check for check in "0123456789" if luhn(start + check))


def _dates(first: date, days: int | None) -> Iterator[date]:
    day = 0
    while days is None or day < days:
        yield first + timedelta(days=day)
        day += 1


def _times(day: Day) -> Ints:
    return day.second * 1_000 + (day.date.toordinal() - _EPOCH) * MS_PER_DAY


def _merged(days: Iterator[list[tuple[Transaction, bool]]], delay: int) -> Iterator[Event]:
    """Merge each day with the labels of `delay` days before; a label comes before a transaction of its time."""
    waiting: deque[list[tuple[Transaction, bool]]] = deque([[]] * delay)
    for today in days:
        waiting.append(today)
        known: list[Event] = _labels(waiting.popleft(), delay)
        yield from sorted([*known, *(transaction for transaction, _ in today)], key=_time)
    for rest in waiting:
        yield from _labels(rest, delay)


def _labels(day: list[tuple[Transaction, bool]], delay: int) -> list[Event]:
    return [label_of(transaction, fraud=fraud, delay_ms=delay * MS_PER_DAY) for transaction, fraud in day]


def _time(event: Event) -> int:
    return event.event_time
