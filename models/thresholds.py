"""Threshold policies: how many alerts a model may raise, and the score that an alert starts at."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from models.errors import RefuseSpecError

DAY_MS: Final = 86_400_000

_ROUNDING: Final = 1e-9
"""A share of 0.29 of 100 events is 29 of them, although 0.29 * 100 is less."""

Scores = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FixedThreshold:
    """Alert on scores at or above this one.

    Parameters
    ----------
    score
        In the estimator's own unit: a probability, a prediction or an anomaly score.
    """

    score: float

    def __post_init__(self) -> None:
        """Refuse a score that is no number."""
        _refuse_endless(self.score)

    def of(self, scores: Scores, span_ms: int) -> float:  # noqa: ARG002 - the other policies look at them
        """Return the threshold, whatever the scores are."""
        return self.score


@dataclass(frozen=True)
class AlertBelow:
    """Alert on scores at or below this one: for scores of which little is bad, such as a remaining life.

    Parameters
    ----------
    score
        In the estimator's own unit.
    """

    score: float

    def __post_init__(self) -> None:
        """Refuse a score that is no number."""
        _refuse_endless(self.score)

    def of(self, scores: Scores, span_ms: int) -> float:  # noqa: ARG002 - the other policies look at them
        """Return the threshold, whatever the scores are."""
        return self.score


@dataclass(frozen=True)
class AlertShare:
    """Alert on at most this share of events, taken from the end of the training window.

    Parameters
    ----------
    share
        Alerts per event, above 0 and below 1.
    """

    share: float

    def __post_init__(self) -> None:
        """Refuse a share that is none."""
        if not 0 < self.share < 1:
            raise RefuseSpecError(f"an alert share lies between 0 and 1, not {self.share}")

    def of(self, scores: Scores, span_ms: int) -> float:  # noqa: ARG002 - a share needs no time
        """Return the threshold for the scores of the tail."""
        return _for_at_most(scores, _whole(self.share * len(scores)))


@dataclass(frozen=True)
class AlertBudget:
    """Alert at most so many times a day of event time, taken from the end of the training window.

    Parameters
    ----------
    per_day
        Alerts per day on average, above 0; what the analysts can look at.
    """

    per_day: float

    def __post_init__(self) -> None:
        """Refuse a budget that is none."""
        if not 0 < self.per_day < math.inf:
            raise RefuseSpecError(f"an alert budget is a number above 0, not {self.per_day}")

    def of(self, scores: Scores, span_ms: int) -> float:
        """Return the threshold for the scores of a tail of `span_ms` milliseconds of event time."""
        return _for_at_most(scores, _whole(self.per_day * span_ms / DAY_MS))


Threshold = FixedThreshold | AlertBelow | AlertShare | AlertBudget


def _refuse_endless(score: float) -> None:
    if not math.isfinite(score):
        raise RefuseSpecError(f"a threshold is a finite score, not {score}")


def _whole(number: float) -> int:
    return math.floor(number + _ROUNDING)


def _for_at_most(scores: Scores, alerts: int) -> float:
    """Return the lowest of the scores that at most so many reach; where even the highest is reached more often, the next number above."""
    ranked = np.sort(scores)[::-1]
    if alerts >= len(ranked):
        return float(ranked[-1])
    lowest = ranked[:alerts][ranked[:alerts] > ranked[alerts]]
    return float(lowest[-1]) if len(lowest) else float(np.nextafter(ranked[0], np.inf))
