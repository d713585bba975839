"""Do the sensors of a machine agree? Two detectors that tell a faulty sensor from a faulty machine.

Both measure how far a row lies from normal operation by Mahalanobis distance, and what is left of it when the one
sensor that explains most is reconstructed from the others (Dunia and Qin 1998; reconstruction-based contribution,
Alcala and Qin 2009). What one sensor alone explains is that sensor's fault; what no sensor alone explains is the
machine's.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils.validation import check_is_fitted, validate_data

Matrix = npt.NDArray[np.float64]

RIDGE: Final = 1e-4
"""Added to each sensor's variance of 1, so that sensors that repeat each other do not make the distance endless."""


class _Consistency(OutlierMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """What both detectors learn.

    Attributes
    ----------
    sensors_
        Columns that are sensors and vary.
    mean_, scale_
        Of each of these.
    precision_
        Inverse of their correlation.
    distance_limit_, sensor_limit_
        What is left in normal operation when a sensor is reconstructed, whichever it is; and what the best
        reconstruction explains.
    """

    flags: tuple[str, ...] = ()

    def __init__(self, alpha: float = 0.0001) -> None:
        self.alpha = alpha

    def fit(self, x: Any, y: Any = None) -> "_Consistency":  # noqa: ARG002 - the shape of every estimator
        """Learn how the sensors go together in normal operation.

        Raises
        ------
        ValueError
            For an alpha out of range, and where fewer than three sensors vary: two can't tell which of them is wrong.
        """
        if not 0 < self.alpha < 1:
            raise ValueError(f"alpha lies between 0 and 1, not {self.alpha}")
        names = list(getattr(x, "columns", []))
        if unknown := [flag for flag in self.flags if flag not in names]:
            raise ValueError(f"flags {', '.join(unknown)} are no features; they are {', '.join(names)}")
        rows = validate_data(self, x, ensure_all_finite="allow-nan", dtype=np.float64)
        self.flags_ = np.array([names.index(flag) for flag in self.flags], dtype=np.int64)
        complete = ~np.isnan(rows).any(axis=1)
        self.sensors_ = self._varying(rows[complete])
        known = rows[complete][:, self.sensors_]
        self.mean_, self.scale_ = known.mean(axis=0), known.std(axis=0)
        scaled = self._scaled(known)
        correlation = scaled.T @ scaled / len(scaled)
        self.precision_ = np.linalg.inv(correlation + RIDGE * np.eye(len(correlation)))
        distance, explained = self._explained(scaled)
        left = np.quantile(distance[:, None] - explained, 1 - self.alpha, axis=0)
        self.distance_limit_ = float(left.max())
        self.sensor_limit_ = float(np.quantile(explained.max(axis=1), 1 - self.alpha))
        return self

    def predict(self, x: Any) -> npt.NDArray[np.int64]:
        """Return -1 for rows at or beyond the limit, else 1."""
        return np.where(self.score_samples(x) <= -1, -1, 1)

    def _varying(self, rows: Matrix) -> npt.NDArray[np.int64]:
        spread = np.ptp(rows, axis=0) if len(rows) else np.zeros(self.n_features_in_)
        sensors = np.setdiff1d(np.flatnonzero(spread > 0), self.flags_)
        if len(sensors) < 3:  # noqa: PLR2004 - of two that disagree, either may be wrong
            raise ValueError(
                f"{len(rows)} rows without a missing value and {len(sensors)} sensors that vary: give at least 3 sensors and more rows"
            )
        return sensors

    def _scaled(self, known: Matrix) -> Matrix:
        """Return the sensors of rows in standard deviations from their mean; a missing one counts as usual."""
        scaled: Matrix = (known - self.mean_) / self.scale_
        return np.where(np.isnan(scaled), 0.0, scaled)

    def _explained(self, scaled: Matrix) -> tuple[Matrix, Matrix]:
        """Return each row's squared distance, and how much of it each sensor explains alone."""
        residual = scaled @ self.precision_
        distance: Matrix = (residual * scaled).sum(axis=1)
        return distance, residual**2 / np.diag(self.precision_)

    def _relative(self, x: Any) -> tuple[Matrix, Matrix]:
        """Return what is left after the best reconstruction, and what each sensor explains, both relative to their limits."""
        check_is_fitted(self)
        rows = validate_data(self, x, reset=False, ensure_all_finite="allow-nan", dtype=np.float64)
        distance, explained = self._explained(self._scaled(rows[:, self.sensors_]))
        left = np.maximum(distance - explained.max(axis=1), 0)
        return left / self.distance_limit_, explained / self.sensor_limit_


class MachineMonitor(_Consistency):
    """Find rows that differ from normal operation in more than one sensor; a score of 1 is the limit.

    Parameters
    ----------
    alpha
        Share of normal rows that may exceed the limit.
    """

    def score_samples(self, x: Any) -> Matrix:
        """Return minus what no single sensor explains, relative to its limit: lower is stranger."""
        return -self._relative(x)[0]


class SensorMonitor(_Consistency):
    """Find rows in which one sensor contradicts the others; a score of 1 is the limit.

    Parameters
    ----------
    alpha
        Share of normal rows that may exceed the limit.
    guard
        Where what is left without that sensor exceeds so many of its limits, the machine is the cause: the score is 0.
    flags
        Names of features that are scores already, 1 for a sensor that is known to be bad: the largest counts.
    """

    def __init__(self, alpha: float = 0.0001, guard: float = 1.0, flags: tuple[str, ...] = ()) -> None:
        super().__init__(alpha)
        self.guard = guard
        self.flags = flags

    def score_samples(self, x: Any) -> Matrix:
        """Return minus the larger of what one sensor explains alone and of the flags: lower is stranger."""
        left, explained = self._relative(x)
        alone = np.where(left > self.guard, 0.0, explained.max(axis=1))
        rows = np.asarray(x, dtype=np.float64)
        flagged: Matrix = np.nan_to_num(rows[:, self.flags_], nan=0.0).max(axis=1, initial=0.0)
        score: Matrix = -np.maximum(alone, flagged)
        return score
