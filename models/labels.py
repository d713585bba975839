"""What an estimator learns from when there is no verdict on each event: the life that machines had left."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from models.errors import RefuseSpecError

HOUR_MS: Final = 3_600_000

Hours = npt.NDArray[np.float64]


@dataclass(frozen=True)
class RunToFailure:
    """In the training data each machine runs until it fails, at its last reading: the target is the hours until then.

    A machine that was repaired and went on is another machine: give its runs names of their own.

    Parameters
    ----------
    cap_hours
        Targets above it are cut to it, for regressors that should not tell healthy machines apart; None: none is.
    """

    cap_hours: float | None = None

    def __post_init__(self) -> None:
        """Refuse a cap that is none."""
        if self.cap_hours is not None and not 0 < self.cap_hours < math.inf:
            raise RefuseSpecError(f"cap_hours is a number above 0, not {self.cap_hours}")

    def target(self, life: Hours) -> Hours:
        """Return what the estimator learns, of the hours that were left."""
        return life if self.cap_hours is None else np.minimum(life, self.cap_hours)


def lives(machine: npt.NDArray[np.object_], event_time: npt.NDArray[np.int64]) -> Hours:
    """Return the hours from each reading to the last one of its machine.

    Parameters
    ----------
    event_time
        Milliseconds since the epoch.
    """
    _, number = np.unique(machine.astype(str), return_inverse=True)
    last = np.full(number.max(initial=-1) + 1, np.iinfo(np.int64).min)
    np.maximum.at(last, number, event_time)
    hours: Hours = (last[number] - event_time) / HOUR_MS
    return hours
