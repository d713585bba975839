"""Scores computed again, offline and in plain Python, from the events as they lie in Kafka: what `model` should have said.

A terminal's labels come from another topic, so a score says how many of them its terminal had seen; everything else
follows from the order in the topic. Sums are kept with forward decay from one landmark, so that each is O(1).
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

from models.events import Label, Transaction
from pipeline.drill.model import LARGE, MONTH_MS, RECENT, UNUSUAL

Place = tuple[int, int]
"""Partition and offset of a transaction."""

TOLERANCE: Final = 1e-9
"""Largest relative difference of two computations of one score."""


@dataclass(slots=True)
class _Card:
    weights: float = 0.0
    total: float = 0.0
    recent: list[tuple[int, str, float]] = field(default_factory=list)


@dataclass(slots=True)
class _Terminal:
    """Running sums: `known` and `frauds` after each label, the first entry before any."""

    events: int = 0
    large: float = 0.0
    known: list[float] = field(default_factory=lambda: [0.0])
    frauds: list[float] = field(default_factory=lambda: [0.0])


@dataclass(frozen=True, slots=True)
class _Row:
    """A transaction as it arrived: what its card said, and where its terminal stood."""

    event: Transaction
    of_card: float
    terminal: _Terminal
    large: float
    ordinal: int


class Recomputation:
    """The state of all cards and terminals.

    Parameters
    ----------
    landmark_ms
        A time near the first event's; weights are relative to it.
    once
        Whether an event that arrives again counts no second time.
    """

    def __init__(self, landmark_ms: int, *, once: bool) -> None:
        self._landmark = landmark_ms
        self._once = once
        self._cards: defaultdict[str, _Card] = defaultdict(_Card)
        self._terminals: defaultdict[str, _Terminal] = defaultdict(_Terminal)
        self._rows: dict[Place, _Row] = {}
        self._first: dict[str, _Row] = {}
        self._labels: set[str] = set()

    def transaction(self, place: Place, event: Transaction) -> None:
        """Take the next transaction of the topic."""
        if self._once and event.event_id in self._first:
            self._rows[place] = self._first[event.event_id]
            return
        weight = self._weight(event.event_time)
        mean, of_card = _taken(self._cards[event.card], event, weight)
        terminal = self._terminals[event.terminal]
        terminal.events += 1
        terminal.large += weight * (event.amount / mean > LARGE if mean else False)
        row = _Row(event, of_card, terminal, terminal.large, terminal.events)
        self._rows[place] = row
        self._first.setdefault(event.event_id, row)

    def label(self, event: Label) -> None:
        """Take the next label of the topic."""
        if self._once and event.event_id in self._labels:
            return
        self._labels.add(event.event_id)
        terminal, weight = self._terminals[event.terminal], self._weight(event.event_time)
        terminal.known.append(terminal.known[-1] + weight)
        terminal.frauds.append(terminal.frauds[-1] + weight * event.fraud)

    def difference(self, place: Place, score: float, *, events: int, labels: int) -> float:
        """Return the relative difference of a score; infinite where it speaks of what never came to its terminal.

        Parameters
        ----------
        events, labels
            How many of its terminal's the score says had been seen, with its own.
        """
        row = self._rows.get(place)
        if row is None or events != row.ordinal or labels >= len(row.terminal.known):
            return float("inf")
        weight = self._weight(row.event.event_time)
        expected = (
            row.of_card
            + row.large / weight / 50
            + row.terminal.frauds[labels] / weight / 20
            + row.terminal.known[labels] / weight / 1_000
        )
        return abs(score - expected) / max(1.0, abs(expected))

    def _weight(self, time_ms: int) -> float:
        return float(2.0 ** ((time_ms - self._landmark) / MONTH_MS))


def _taken(card: _Card, event: Transaction, weight: float) -> tuple[float, float]:
    """Let a card take a transaction; return its mean amount, and what the card adds to the score."""
    card.weights += weight
    card.total += weight * event.amount
    mean = card.total / card.weights
    now = (event.event_time, event.event_id)
    card.recent = sorted([*card.recent, (*now, event.amount)])[-RECENT:]
    within = [a for time, name, a in card.recent if time > now[0] - MONTH_MS and (time, name) <= now]
    usual = (event.amount / mean if mean else 1.0) + (event.amount > UNUSUAL)
    return mean, usual + card.weights / weight / 1_000 + max(within, default=0.0) / 10_000
