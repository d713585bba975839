"""An independent computation of the fraud model's features, in numpy: no SQL, no landmark trick, no shared code."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from models.events import Label, Transaction

DAY: Final = 86_400_000
HALF_LIVES: Final = (1, 7, 30)
SATURDAY: Final = 5
NIGHT_ENDS: Final = 6


@dataclass(frozen=True)
class Seen:
    """What had arrived when an event was scored, the event itself included.

    Attributes
    ----------
    card, terminal
        The transactions of its card and of its terminal.
    labels
        The labels of its terminal.
    """

    card: Sequence[Transaction]
    terminal: Sequence[Transaction]
    labels: Sequence[Label]


def features(event: Transaction, seen: Seen) -> dict[str, float]:
    """Return the features of one event by name."""
    now = event.event_time
    weekday = (now // DAY + 3) % 7
    hour = now % DAY / 3_600_000
    row = {"amount": event.amount, "weekend": float(weekday >= SATURDAY), "night": float(hour <= NIGHT_ENDS)}
    for days in HALF_LIVES:
        card, terminal, labels = (_weights(now, e, days) for e in (seen.card, seen.terminal, seen.labels))
        row[f"card_count_{days}d"] = float(card.sum())
        row[f"card_mean_{days}d"] = float(card @ np.array([e.amount for e in seen.card]) / card.sum())
        row[f"terminal_count_{days}d"] = float(terminal.sum())
        fraud = labels @ np.array([float(x.fraud) for x in seen.labels]) if seen.labels else 0.0
        row[f"terminal_risk_{days}d"] = float(fraud / labels.sum()) if seen.labels else 0.0
    return row


def _weights(now: int, events: Sequence[Transaction] | Sequence[Label], days: int) -> npt.NDArray[np.float64]:
    ages = now - np.array([e.event_time for e in events], dtype=np.float64)
    return np.exp2(-ages / (days * DAY))
