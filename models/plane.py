"""Principal components of scaled rows: the plane that most of their variance lies in, and how far rows are from usual."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]

RESIDUAL: Final = 1e-4
"""Least share of the variance that lies outside a plane: a distance of rounding errors has no limit."""

NO_VARIANCE: Final = 1e-10
"""A standard deviation below this share of the mean is rounding: the feature is constant."""


@dataclass(frozen=True)
class Plane:
    """A plane of principal components.

    Parameters
    ----------
    mean, scale
        Of each feature; a scale of infinity leaves it out.
    components
        Directions over the scaled features, one a row.
    variances
        Along each direction.
    """

    mean: Matrix
    scale: Matrix
    components: Matrix
    variances: Matrix

    def scaled(self, rows: Matrix) -> Matrix:
        """Return rows in standard deviations from the mean; a missing value lies at the mean."""
        return np.nan_to_num((rows - self.mean) / self.scale, nan=0.0)

    def statistics(self, scaled: Matrix) -> tuple[Matrix, Matrix]:
        """Return T2, the distance along the plane in its own variances, and SPE, the squared distance from it."""
        along = scaled @ self.components.T
        beside = scaled - along @ self.components
        return (along**2 / self.variances).sum(axis=1), (beside**2).sum(axis=1)


def plane_of(rows: Matrix, components: float) -> Plane:
    """Return the plane of rows.

    Parameters
    ----------
    components
        Share of the variance that lies in it, below 1; or how many components span it.

    Raises
    ------
    ValueError
        When nothing would be left outside of it.
    """
    everything = Plane(*_moments(rows), np.empty((0, 0)), np.empty(0))
    scaled = everything.scaled(rows)
    variances, directions = np.linalg.eigh(scaled.T @ scaled / len(scaled))
    variances, directions = variances[::-1].clip(min=0.0), directions[:, ::-1].T
    count = _count(variances, components)
    return Plane(
        everything.mean, everything.scale, np.ascontiguousarray(directions[:count]), variances[:count]
    )


def is_number(components: float) -> bool:
    """Return whether this is a number of components, and no share."""
    return isinstance(components, int | np.integer)


def _moments(rows: Matrix) -> tuple[Matrix, Matrix]:
    """Return mean and scale of each feature, of the values that are there; a constant one scales to nothing."""
    there = ~np.isnan(rows)
    number = np.maximum(there.sum(axis=0), 1)
    mean = np.where(there, rows, 0.0).sum(axis=0) / number
    deviation = np.sqrt((np.where(there, rows - mean, 0.0) ** 2).sum(axis=0) / number)
    return mean, np.where(deviation > NO_VARIANCE * np.abs(mean), deviation, np.inf)


def _count(variances: Matrix, components: float) -> int:
    """Return how many components span the plane, of variances in falling order."""
    explained = np.cumsum(variances) / max(variances.sum(), np.finfo(np.float64).tiny)
    possible = int(np.searchsorted(explained, 1 - RESIDUAL, side="right")) if variances.sum() else 0
    if possible == 0 or (is_number(components) and components > possible):
        raise ValueError(
            f"{components} components leave too little of the {len(variances)} features unexplained, "
            f"at most {possible} can be taken: give fewer components, or more features that vary"
        )
    return min(
        int(components) if is_number(components) else int(np.searchsorted(explained, components)) + 1,
        possible,
    )
