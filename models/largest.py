"""A detector of features that are scores already: a row is as strange as the largest of them."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils.validation import check_is_fitted, validate_data


class Largest(OutlierMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """Take the largest of the features as the score; a missing one counts for nothing, 0 where all are missing.

    For rules and tail probabilities that are written as features. There is nothing to learn.
    """

    def fit(self, x: Any, y: Any = None) -> "Largest":  # noqa: ARG002 - the shape of every estimator
        """Note the features."""
        validate_data(self, x, ensure_all_finite="allow-nan")
        return self

    def score_samples(self, x: Any) -> npt.NDArray[np.float64]:
        """Return minus the largest feature of each row: lower is stranger, as in every detector."""
        check_is_fitted(self, "n_features_in_")
        rows = validate_data(self, x, reset=False, ensure_all_finite="allow-nan", dtype=np.float64)
        missing = np.isnan(rows)
        largest = np.where(missing, -np.inf, rows).max(axis=1)
        return -np.where(missing.all(axis=1), 0.0, largest)
