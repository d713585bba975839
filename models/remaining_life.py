"""Remaining life with an interval: the expected hours until failure, and bounds that hold as often as promised.

Boosted trees learn the mean and both quantiles; what the quantiles lack is measured on machines that they were not
fitted on, and added (conformalised quantile regression: Romano, Patterson, Candes, NeurIPS 2019).
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.model_selection import GroupKFold
from sklearn.utils.validation import check_is_fitted, validate_data

Floats = npt.NDArray[np.float64]


class RemainingLife(RegressorMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """Predict how long a machine lasts at least; `outputs` has the estimate and the upper bound too, in hours.

    Machines that are far from failure look alike: the estimate and the lower bound end at `cap_hours`, and few of
    the readings before that are learned from. The upper bound is learned without a cap.

    Parameters
    ----------
    base
        A HistGradientBoostingRegressor; its clones learn the mean and the quantiles.
    cap_hours
        Longest life that is told apart, hours.
    healthy
        So many of a machine's readings that are further from failure are learned from, evenly spread.
    coverage
        Share of the true lives that lie between the bounds; what is missed is missed equally on both sides.
    folds
        Groups of machines; each is judged by the others to measure what the quantiles lack.

    Attributes
    ----------
    estimate_, lower_, upper_
        The regressors of mean and quantiles, fitted on all machines.
    margins_
        Hours by which the lower bound is lowered and the upper raised.
    """

    def __init__(
        self, base: Any, *, cap_hours: float, healthy: int = 30, coverage: float = 0.9, folds: int = 5
    ) -> None:
        self.base = base
        self.cap_hours = cap_hours
        self.healthy = healthy
        self.coverage = coverage
        self.folds = folds

    def fit(self, x: Any, y: Any, *, groups: Any) -> "RemainingLife":
        """Learn from readings.

        Parameters
        ----------
        y
            Hours until failure.
        groups
            The machine of each reading.

        Raises
        ------
        ValueError
            For parameters out of range, and for fewer machines than folds.
        """
        self._check_parameters()
        rows, life = validate_data(self, x, y, ensure_all_finite="allow-nan", dtype=np.float64)
        _, machine = np.unique(np.asarray(groups).astype(str), return_inverse=True)
        if machine.max() + 1 < self.folds:
            raise ValueError(f"{machine.max() + 1} machines are too few for {self.folds} folds: give more")
        kept = self._kept(life, machine)
        rows, life, machine = rows[kept], life[kept], machine[kept]
        self.margins_ = self._margins(rows, life, machine)
        self.estimate_ = self._mean(rows, life)
        self.lower_, self.upper_ = self._bounds(rows, life)
        return self

    def predict(self, x: Any) -> Floats:
        """Return the lower bounds, hours."""
        return self.outputs(x)["lower"]

    def outputs(self, x: Any) -> dict[str, Floats]:
        """Return estimate, lower and upper of each row, hours: none is below 0, and they are in that order."""
        check_is_fitted(self, "margins_")
        rows = validate_data(self, x, reset=False, ensure_all_finite="allow-nan", dtype=np.float64)
        estimate = np.clip(self.estimate_.predict(rows), 0, self.cap_hours)
        lower = np.minimum(self.lower_.predict(rows) - self.margins_[0], estimate)
        upper = np.maximum(self.upper_.predict(rows) + self.margins_[1], estimate)
        return {"estimate": estimate, "lower": np.maximum(lower, 0), "upper": upper}

    def _check_parameters(self) -> None:
        if not self.cap_hours > 0 or self.healthy < 1:
            raise ValueError(
                f"cap_hours is above 0 and healthy at least 1, not {self.cap_hours:g} and {self.healthy}"
            )
        if not 0 < self.coverage < 1:
            raise ValueError(f"coverage lies between 0 and 1, not {self.coverage}")
        if self.folds < 2:  # noqa: PLR2004 - one is judged by the other
            raise ValueError(f"folds is at least 2, not {self.folds}")

    def _kept(self, life: Floats, machine: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Return which readings are learned from."""
        kept: npt.NDArray[np.bool_] = life <= self.cap_hours
        ends = np.cumsum(np.bincount(machine))[:-1]
        for own in np.split(np.argsort(machine, kind="stable"), ends):
            healthy = own[~kept[own]]
            some = np.linspace(0, len(healthy) - 1, min(self.healthy, len(healthy)))
            kept[healthy[some.round().astype(np.int64)]] = True
        return kept

    def _mean(self, rows: Floats, life: Floats) -> Any:
        mean = clone(self.base).set_params(loss="squared_error")
        return mean.fit(rows, np.minimum(life, self.cap_hours))

    def _bounds(self, rows: Floats, life: Floats) -> tuple[Any, Any]:
        """Return the regressors of the lower and the upper quantile."""
        miss = (1 - self.coverage) / 2
        lower = clone(self.base).set_params(loss="quantile", quantile=miss)
        upper = clone(self.base).set_params(loss="quantile", quantile=1 - miss)
        return lower.fit(rows, np.minimum(life, self.cap_hours)), upper.fit(rows, life)

    def _margins(self, rows: Floats, life: Floats, machine: npt.NDArray[np.int64]) -> tuple[float, float]:
        """Return by how much the bounds of other machines' models miss, at the promised coverage."""
        over, under = np.empty(len(life)), np.empty(len(life))
        for known, new in GroupKFold(self.folds).split(rows, groups=machine):
            lower, upper = self._bounds(rows[known], life[known])
            over[new] = lower.predict(rows[new]) - np.minimum(life[new], self.cap_hours)
            under[new] = life[new] - upper.predict(rows[new])
        return self._exceeded(over), self._exceeded(under)

    def _exceeded(self, missing: Floats) -> float:
        """Return what each bound's share of the readings exceeds."""
        return float(np.quantile(missing, (1 + self.coverage) / 2, method="higher"))
