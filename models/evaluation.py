"""How good scores are: ranking, cards found per day, calibration, alerts, money. Arrays in, numbers out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, roc_auc_score

from models.thresholds import DAY_MS

_NEVER: Final = 2**60

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

TOP_CARDS: Final = 100
"""Cards a day that the published figures assume analysts to look at."""

BIN_EDGES: Final = (0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Of the reliability table; finer at the bottom, where almost all events of a rare class lie."""


@dataclass(frozen=True)
class Outcomes:
    """What a model said of some events and what turned out, as arrays of the same length.

    Attributes
    ----------
    entity
        Whom the event belongs to, as text: the card.
    event_time
        Milliseconds since the epoch.
    amount
        Money at stake; zeros where the event has none.
    """

    entity: npt.NDArray[np.object_]
    event_time: Ints
    amount: Floats
    fraud: Flags
    score: Floats

    def where(self, chosen: Flags) -> "Outcomes":
        """Return those that are chosen."""
        return Outcomes(
            self.entity[chosen],
            self.event_time[chosen],
            self.amount[chosen],
            self.fraud[chosen],
            self.score[chosen],
        )


class Costs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What mistakes and work cost, in the currency of the amounts.

    Attributes
    ----------
    missed_fraud
        Times the amount: 1 where the whole amount is lost.
    review
        Of looking at one alert.
    false_decline
        Of an alert on a good event: a customer turned away.
    """

    missed_fraud: float = 1.0
    review: float = 1.0
    false_decline: float = 5.0


class Bin(msgspec.Struct, frozen=True):
    """Events whose scores lie in [low, high): how many, their mean score, and the share that was fraud."""

    low: float
    high: float
    events: int
    mean_score: float
    fraud_share: float


class Calibration(msgspec.Struct, frozen=True):
    """Whether 0.3 means three in ten: the mean squared error of the score as a probability, and where it lies."""

    brier: float
    reliability: list[Bin]


class Alerts(msgspec.Struct, frozen=True):
    """What a threshold gives.

    Attributes
    ----------
    per_day
        Alerts on each day (UTC) that has events, in order.
    precision
        Share of the alerts that were fraud; None without an alert.
    recall
        Share of the frauds that were alerted; None without a fraud.
    """

    threshold: float
    per_day: list[int]
    mean_per_day: float
    precision: float | None
    recall: float | None


class Money(msgspec.Struct, frozen=True):
    """What a threshold costs, and what doing nothing would have cost, in the currency of the amounts."""

    missed_frauds: float
    reviews: float
    false_declines: float
    total: float
    without_model: float
    saved: float


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """All of it for one test window.

    Attributes
    ----------
    card_precision
        See `card_precision`.
    best_card_precision
        What a perfect detector would reach.
    calibration
        None where scores are no probabilities.
    """

    events: int
    frauds: int
    roc_auc: float
    average_precision: float
    card_precision: float
    best_card_precision: float
    calibration: Calibration | None
    alerts: Alerts
    money: Money


def evaluate(
    outcomes: Outcomes, threshold: float, *, costs: Costs, top: int = TOP_CARDS, probability: bool = True
) -> Evaluation:
    """Evaluate scores; both classes must be there.

    Parameters
    ----------
    threshold
        A score at or above it is an alert.
    top
        Cards a day that are looked at.
    probability
        Whether the scores mean to be probabilities.
    """
    return Evaluation(
        events=len(outcomes.score),
        frauds=int(outcomes.fraud.sum()),
        roc_auc=roc_auc(outcomes.fraud, outcomes.score),
        average_precision=average_precision(outcomes.fraud, outcomes.score),
        card_precision=card_precision(outcomes, outcomes.score, top),
        best_card_precision=card_precision(outcomes, outcomes.fraud.astype(np.float64), top),
        calibration=calibration(outcomes.fraud, outcomes.score) if probability else None,
        alerts=alerts(outcomes, threshold),
        money=money(outcomes, threshold, costs),
    )


def roc_auc(fraud: Flags, score: Floats) -> float:
    """Return the probability that a fraud scores above a good event, ties counted half."""
    return float(roc_auc_score(fraud, score))


def average_precision(fraud: Flags, score: Floats) -> float:
    """Return the mean over the frauds of the precision among the events that score at least as high."""
    return float(average_precision_score(fraud, score))


def card_precision(outcomes: Outcomes, score: Floats, top: int = TOP_CARDS) -> float:
    """Return the mean over the days (UTC) of the share of compromised cards among the `top` most suspicious.

    A card is as suspicious as its highest score of the day, and compromised when it has a fraud on that
    day. A compromised card that was among the top of a day is known, and out on later days. The share is of
    `top` even where a day has fewer cards. Cards that score the same rank by name.
    """
    day = outcomes.event_time // DAY_MS
    known: set[str] = set()
    shares = []
    for today in np.unique(day):
        on_day = day == today
        found = _compromised_among_top(
            outcomes.entity[on_day], score[on_day], outcomes.fraud[on_day], known, top
        )
        known |= found
        shares.append(len(found) / top)
    return float(np.mean(shares))


def not_known(
    entity: npt.NDArray[np.object_], event_time: Ints, first_fraud: Mapping[str, int], delay_ms: int
) -> Flags:
    """Return which events are of cards that were not known as compromised when their day (UTC) began.

    Parameters
    ----------
    first_fraud
        Card -> event time of its first fraud since training began, milliseconds since the epoch.
    delay_ms
        How long after a fraud it is known, milliseconds.
    """
    known_from = np.array([first_fraud.get(card, _NEVER) for card in entity.tolist()], dtype=np.int64)
    return known_from + delay_ms >= event_time // DAY_MS * DAY_MS


def calibration(fraud: Flags, score: Floats) -> Calibration:
    """Return the Brier score and the reliability table of probabilities; empty bins are left out."""
    at = np.clip(np.searchsorted(BIN_EDGES, score, side="right") - 1, 0, len(BIN_EDGES) - 2)
    bins = [
        Bin(
            BIN_EDGES[i],
            BIN_EDGES[i + 1],
            int((at == i).sum()),
            float(score[at == i].mean()),
            float(fraud[at == i].mean()),
        )
        for i in np.unique(at)
    ]
    return Calibration(float(np.mean((score - fraud) ** 2)), bins)


def alerts(outcomes: Outcomes, threshold: float) -> Alerts:
    """Return how many alerts a threshold gives on each day, and how good they are."""
    alerted = outcomes.score >= threshold
    day = outcomes.event_time // DAY_MS
    per_day = [int(alerted[day == today].sum()) for today in np.unique(day)]
    right = int((alerted & outcomes.fraud).sum())
    return Alerts(
        threshold,
        per_day,
        float(np.mean(per_day)),
        _share(right, int(alerted.sum())),
        _share(right, int(outcomes.fraud.sum())),
    )


def money(outcomes: Outcomes, threshold: float, costs: Costs) -> Money:
    """Return what missed frauds, reviews and false declines cost at a threshold."""
    alerted = outcomes.score >= threshold
    loss = outcomes.amount * outcomes.fraud * costs.missed_fraud
    missed = float(loss[~alerted].sum())
    reviews = float(alerted.sum() * costs.review)
    declines = float((alerted & ~outcomes.fraud).sum() * costs.false_decline)
    total, without = missed + reviews + declines, float(loss.sum())
    return Money(missed, reviews, declines, total, without, without - total)


def _compromised_among_top(
    entity: npt.NDArray[np.object_], score: Floats, fraud: Flags, known: set[str], top: int
) -> set[str]:
    highest: dict[str, float] = {}
    for card, value in zip(entity.tolist(), score.tolist(), strict=True):
        if card not in known:
            highest[card] = max(value, highest.get(card, value))
    ranked = sorted(highest, key=lambda card: (-highest[card], card))
    return set(ranked[:top]) & set(entity[fraud].tolist())


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
