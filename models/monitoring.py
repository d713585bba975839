"""Multivariate process monitoring: one detector for the many sensors of a process that move together.

Principal components of normal operation (Kourti and MacGregor 1995): T2 says how far a row lies from the usual
along the plane that normal rows span, SPE (Q) how far from that plane. Each is measured by its own limit.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from models.plane import Matrix, is_number, plane_of


class ProcessMonitor(OutlierMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """Find rows that normal operation does not explain; a score of 1 is the limit.

    The limits are those that rows of normal operation keep to when the components are those of the other rows:
    the rows, in order of time, are cut into `folds` blocks and each is judged by the rest. A feature that is
    missing counts as usual and contributes nothing; one that never varied is left out.

    Parameters
    ----------
    components
        Share of the variance that lies in the plane, below 1; or how many components span it.
    alpha
        Share of normal rows that may exceed a limit, the one or the other.
    folds
        Blocks of rows that the limits are taken from.

    Attributes
    ----------
    plane_
        The principal components of all rows.
    t2_limit_, spe_limit_
        What T2 and SPE are divided by.
    """

    def __init__(self, components: float = 0.95, alpha: float = 0.01, folds: int = 5) -> None:
        self.components = components
        self.alpha = alpha
        self.folds = folds

    def fit(self, x: Any, y: Any = None) -> "ProcessMonitor":  # noqa: ARG002 - the shape of every estimator
        """Learn normal operation from its rows, in order of time.

        Raises
        ------
        ValueError
            For parameters out of range, for too few rows, and where nothing is left outside the plane.
        """
        self._check_parameters()
        rows = validate_data(self, x, ensure_all_finite="allow-nan", dtype=np.float64)
        self.plane_ = plane_of(rows, self.components)
        t2, spe = self._held_out(rows)
        alone = np.quantile(t2, 1 - self.alpha), np.quantile(spe, 1 - self.alpha)
        both = np.quantile(np.maximum(t2 / alone[0], spe / alone[1]), 1 - self.alpha)
        self.t2_limit_, self.spe_limit_ = float(alone[0] * both), float(alone[1] * both)
        return self

    def score_samples(self, x: Any) -> Matrix:
        """Return minus the larger of T2 and SPE, each divided by its limit: lower is stranger, -1 is the limit."""
        return -np.maximum(*self.statistics(x))

    def predict(self, x: Any) -> npt.NDArray[np.int64]:
        """Return -1 for rows at or beyond a limit, else 1."""
        return np.where(self.score_samples(x) <= -1, -1, 1)

    def statistics(self, x: Any) -> tuple[Matrix, Matrix]:
        """Return T2 and SPE of each row, divided by their limits."""
        t2, spe = self.plane_.statistics(self._scaled(x))
        return t2 / self.t2_limit_, spe / self.spe_limit_

    def contributions(self, x: Any) -> Matrix:
        """Return what each feature adds to the score of each row; the features' sum is the score.

        Complete decomposition contributions of the statistic that the score is taken from (Alcala and Qin 2009):
        the squared elements of the scaled row, projected as in that statistic.
        """
        scaled, directions = self._scaled(x), self.plane_.components
        along = scaled @ directions.T
        within = (along / np.sqrt(self.plane_.variances * self.t2_limit_)) @ directions
        beside = (scaled - along @ directions) / np.sqrt(self.spe_limit_)
        t2, spe = self.statistics(x)
        squared: Matrix = np.where((t2 >= spe)[:, None], within, beside) ** 2
        return squared

    def _check_parameters(self) -> None:
        if not (self.components >= 1 if is_number(self.components) else 0 < self.components < 1):
            raise ValueError(
                f"components is a share between 0 and 1 or a number from 1, not {self.components}"
            )
        if not 0 < self.alpha < 1:
            raise ValueError(f"alpha lies between 0 and 1, not {self.alpha}")
        if self.folds < 2:  # noqa: PLR2004 - one is judged by the other
            raise ValueError(f"folds is at least 2, not {self.folds}")

    def _scaled(self, x: Any) -> Matrix:
        check_is_fitted(self)
        rows = validate_data(self, x, reset=False, ensure_all_finite="allow-nan", dtype=np.float64)
        return self.plane_.scaled(rows)

    def _held_out(self, rows: Matrix) -> tuple[Matrix, Matrix]:
        """Return T2 and SPE of all rows, each by the components of the other blocks."""
        count, judged = len(self.plane_.components), []
        for block in np.array_split(np.arange(len(rows)), self.folds):
            if len(rows) - len(block) <= count:
                raise ValueError(
                    f"{len(rows)} rows in {self.folds} folds are too few for {count} components: give more rows"
                )
            others = plane_of(np.delete(rows, block, axis=0), count)
            judged.append(others.statistics(others.scaled(rows[block])))
        return np.concatenate([t2 for t2, _ in judged]), np.concatenate([spe for _, spe in judged])
