"""An independent computation of the fraud model's features, event by event in numpy: no SQL, no landmark trick."""

from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from models.events import Event, Label, Transaction

DAY = 86_400_000
HALF_LIVES = (1, 7, 30)


def decayed(times: list[int], values: list[float], now: int, days: int) -> float:
    ages = now - np.array(times, dtype=np.float64)
    return float(np.sum(np.array(values) * np.exp2(-ages / (days * DAY))))


def features(arrived: Iterable[Event], start: "dict[str, int]") -> dict[str, dict[str, float]]:
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
            result[event.event_id] = _of(event, cards, terminals, labels, start[event.event_id])
    return result


def _of(
    event: Transaction,
    cards: dict[str, list[Transaction]],
    terminals: dict[str, list[Transaction]],
    labels: dict[str, list[Label]],
    start: int,
) -> dict[str, float]:
    now = event.event_time
    own = [e for e in cards[event.card] if e.event_time >= start]
    there = [e for e in terminals[event.terminal] if e.event_time >= start]
    verdicts = [e for e in labels[event.terminal] if e.event_time >= start]
    weekday = (now // DAY + 3) % 7
    row = {"amount": event.amount, "weekend": float(weekday >= 5), "night": float(now % DAY / 3_600_000 <= 6)}
    for days in HALF_LIVES:
        times = [e.event_time for e in own]
        count = decayed(times, [1.0] * len(own), now, days)
        row[f"card_count_{days}d"] = count
        row[f"card_mean_{days}d"] = decayed(times, [e.amount for e in own], now, days) / count
        row[f"terminal_count_{days}d"] = decayed([e.event_time for e in there], [1.0] * len(there), now, days)
        times = [e.event_time for e in verdicts]
        total = decayed(times, [1.0] * len(verdicts), now, days)
        bad = decayed(times, [float(e.fraud) for e in verdicts], now, days)
        row[f"terminal_risk_{days}d"] = bad / total if verdicts else 0.0
    return row
