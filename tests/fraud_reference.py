"""The reference features (`benchmarks.reference`) of a stream whose order of arrival is known."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from benchmarks.reference import Seen
from benchmarks.reference import features as features_of
from models.events import Event, Label, Transaction


def features(arrived: Iterable[Event], start: Mapping[str, int]) -> dict[str, dict[str, float]]:
    """Return each transaction's features; `start` is the landmark of the window that it is kept in."""
    cards: dict[str, list[Transaction]] = defaultdict(list)
    terminals: dict[str, list[Transaction]] = defaultdict(list)
    labels: dict[str, list[Label]] = defaultdict(list)
    result = {}
    for event in arrived:
        if isinstance(event, Label):
            labels[event.terminal].append(event)
        elif isinstance(event, Transaction):
            cards[event.card].append(event)
            terminals[event.terminal].append(event)
            since = start[event.event_id]
            seen = Seen(
                [e for e in cards[event.card] if e.event_time >= since],
                [e for e in terminals[event.terminal] if e.event_time >= since],
                [e for e in labels[event.terminal] if e.event_time >= since],
            )
            result[event.event_id] = features_of(event, seen)
    return result
