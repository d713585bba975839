"""How good estimates of remaining life are: errors, the asymmetric score, the interval, and how early alerts come."""

from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from models.labels import Hours

CLIP_HOURS: Final = 125.0
"""Where published figures on C-MAPSS clip the true life."""

EARLY, LATE = 13.0, 10.0
"""Hours by which the asymmetric score grows e-fold: a late estimate costs more (Saxena and others, PHM 2008)."""

Names = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Lives:
    """Readings and what was said of them, as arrays of the same length; hours.

    Attributes
    ----------
    machine
        Whose reading it is, as text.
    life
        What was truly left.
    estimate
        What was expected.
    lower, upper
        The bounds; NaN where the model has none.
    """

    machine: Names
    life: Hours
    estimate: Hours
    lower: Hours
    upper: Hours

    def where(self, chosen: npt.NDArray[np.bool_]) -> "Lives":
        """Return those that are chosen."""
        return Lives(
            self.machine[chosen],
            self.life[chosen],
            self.estimate[chosen],
            self.lower[chosen],
            self.upper[chosen],
        )


class LifeEvaluation(msgspec.Struct, frozen=True, kw_only=True):
    """All of it; every machine counts the same, whatever the number of its readings.

    Attributes
    ----------
    rmse
        Root of the mean squared error, hours.
    rmse_clipped
        The same where the true life is clipped at `CLIP_HOURS`.
    bias
        Mean of estimate less true life, hours.
    score
        The asymmetric score, summed over the machines: of one reading each, or what to expect of one at random.
    coverage
        Share of the true lives between the bounds; None without bounds.
    below, above
        Share of them below the lower and above the upper bound.
    width
        Median width of the interval, hours.
    """

    machines: int
    readings: int
    rmse: float
    rmse_clipped: float
    bias: float
    score: float
    coverage: float | None
    below: float | None
    above: float | None
    width: float | None


class FirstAlerts(msgspec.Struct, frozen=True, kw_only=True):
    """When the first alert of each machine came.

    Attributes
    ----------
    threshold
        The score at or below which there is an alert.
    warned
        Machines with an alert.
    in_time
        Machines that were warned at least `threshold` hours before they failed.
    earliest, median, latest
        Hours of life that were left at the first alert; None without an alert.
    """

    threshold: float
    machines: int
    warned: int
    in_time: int
    earliest: float | None
    median: float | None
    latest: float | None


def evaluate(lives: Lives) -> LifeEvaluation:
    """Judge estimates and bounds."""
    _, number, readings = np.unique(lives.machine.astype(str), return_inverse=True, return_counts=True)
    weight = 1 / (readings[number] * len(readings))
    error = lives.estimate - lives.life
    clipped = lives.estimate - np.minimum(lives.life, CLIP_HOURS)
    below, above = lives.life < lives.lower, lives.life > lives.upper
    bounded = bool(np.isfinite(lives.lower).all() and np.isfinite(lives.upper).all())
    return LifeEvaluation(
        machines=len(readings),
        readings=len(lives.life),
        rmse=float(np.sqrt(weight @ error**2)),
        rmse_clipped=float(np.sqrt(weight @ clipped**2)),
        bias=float(weight @ error),
        score=float(weight @ asymmetric(error)) * len(readings),
        coverage=float(weight @ ~(below | above)) if bounded else None,
        below=float(weight @ below) if bounded else None,
        above=float(weight @ above) if bounded else None,
        width=float(np.median(lives.upper - lives.lower)) if bounded else None,
    )


def asymmetric(error: Hours) -> Hours:
    """Return what each error costs; errors are estimates less true lives, hours."""
    cost: Hours = np.expm1(np.where(error < 0, -error / EARLY, error / LATE))
    return cost


def first_alerts(machine: Names, life: Hours, score: Hours, threshold: float) -> FirstAlerts:
    """Return when the first alert of each machine came, of machines whose readings end with their failure.

    Parameters
    ----------
    score
        At or below the threshold is an alert.
    threshold
        Hours.
    """
    alert = score <= threshold
    names, number = np.unique(machine.astype(str), return_inverse=True)
    left = np.full(len(names), -np.inf)
    np.maximum.at(left, number[alert], life[alert])
    first = np.sort(left[np.isfinite(left)])
    known = len(first) > 0
    return FirstAlerts(
        threshold=threshold,
        machines=len(names),
        warned=len(first),
        in_time=int((first >= threshold).sum()),
        earliest=float(first[-1]) if known else None,
        median=float(np.median(first)) if known else None,
        latest=float(first[0]) if known else None,
    )
