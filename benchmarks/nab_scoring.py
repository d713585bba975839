"""The scoring of the Numenta Anomaly Benchmark (NAB v1.1), by its own rules: what a detection is worth, and one threshold.

A window counts once, by the earliest detection in it, from 1 at its start down to 0 at its end; missed, it costs. A
detection outside costs the more, the further it lies behind the last window. The first 15 % of a series are
probation: nothing there counts. The threshold is the best one over all series together; 0 is a detector that
finds nothing, 100 one that finds every window at its start (Lavin, Ahmad: Evaluating Real-Time Anomaly Detection
Algorithms, ICMLA 2015).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

PROBATION: Final = 0.15
PROBATION_ROWS: Final = 5000
"""Probation is a share of at most so many rows."""

FAR: Final = 3.0
"""So many window lengths behind a window, a detection costs its full weight."""


@dataclass(frozen=True)
class Profile:
    """What a found window, a detection outside and a missed window weigh."""

    found: float
    false: float
    missed: float


PROFILES: Final = {
    "standard": Profile(1.0, 0.11, 1.0),
    "reward_low_FP_rate": Profile(1.0, 0.22, 1.0),
    "reward_low_FN_rate": Profile(1.0, 0.11, 2.0),
}


@dataclass(frozen=True)
class Worth:
    """What a detection at each row of a series is worth.

    Attributes
    ----------
    points
        At each row, if it is a detection.
    window
        The number of the window that the row lies in, -1 outside.
    counts
        Whether the row lies after probation.
    """

    points: Floats
    window: Ints
    counts: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Sweep:
    """The total of a corpus at every threshold, from the highest down; the first one finds nothing."""

    thresholds: Floats
    totals: Floats

    def best(self) -> tuple[float, float]:
        """Return the best threshold and its total; the highest one of several."""
        i = int(np.argmax(self.totals))
        return float(self.thresholds[i]), float(self.totals[i])

    def at(self, threshold: float) -> float:
        """Return the total when scores at or above a threshold are detections."""
        return float(self.totals[np.searchsorted(-self.thresholds, -threshold, side="right") - 1])


def worth(times: Ints, windows: Sequence[tuple[int, int]], profile: Profile) -> Worth:
    """Return what detections are worth.

    Parameters
    ----------
    times
        Of the rows, in the order of the file, milliseconds since the epoch.
    windows
        First and last time of each window, in order; both are times of rows.
    profile
        The weights.
    """
    rows = np.arange(len(times))
    points, window = np.full(len(times), -profile.false), np.full(len(times), -1)
    for number, (first, last) in enumerate(windows):
        start, end = (int(np.argmax(times == edge)) for edge in (first, last))
        length = end - start + 1
        behind = rows > end
        points[behind] = _scaled((rows[behind] - end) / (length - 1)) * profile.false
        inside = slice(start, end + 1)
        points[inside] = _scaled((rows[inside] - end - 1) / length) * profile.found / _scaled(-1.0)
        window[inside] = number
    return Worth(points, window, rows >= min(int(PROBATION * len(rows)), PROBATION * PROBATION_ROWS))


def sweep(worths: Mapping[str, Worth], scores: Mapping[str, Floats], profile: Profile) -> Sweep:
    """Return the total of all series at every threshold that their scores offer."""
    changes: list[tuple[Floats, Floats]] = []
    missed = 0
    for name, series in worths.items():
        own, outside = scores[name], series.counts & (series.window < 0)
        changes.append((own[outside], series.points[outside]))
        for number in np.unique(series.window[series.counts & (series.window >= 0)]):
            inside = series.counts & (series.window == number)
            changes.append(_of_window(own[inside], series.points[inside], profile))
            missed += 1
    return _totals(changes, -missed * profile.missed)


def normalised(total: float, windows: int, missed: int, profile: Profile) -> float:
    """Return a total on the scale from 0, a detector that finds nothing, to 100, a perfect one.

    Parameters
    ----------
    total
        Of a corpus.
    windows
        All windows of the corpus.
    missed
        Those that a detector can miss: windows that do not lie within probation.
    """
    nothing, perfect = -missed * profile.missed, windows * profile.found
    return 100 * (total - nothing) / (perfect - nothing)


def countable(worths: Mapping[str, Worth]) -> int:
    """Return how many windows reach beyond probation."""
    return sum(len(np.unique(s.window[s.counts & (s.window >= 0)])) for s in worths.values())


def _of_window(own: Floats, points: Floats, profile: Profile) -> tuple[Floats, Floats]:
    """Return by how much each detection of a window raises the total, from the highest score down."""
    order = np.argsort(-own, kind="stable")
    best = np.maximum.accumulate(np.concatenate(([-profile.missed], points[order])))
    return own[order], np.diff(best)


def _totals(changes: Sequence[tuple[Floats, Floats]], nothing: float) -> Sweep:
    scores, by = (np.concatenate(parts) for parts in zip(*changes, strict=True))
    order = np.argsort(-scores, kind="stable")
    totals = nothing + np.cumsum(by[order])
    last = np.append(np.diff(scores[order]) != 0, True)
    return Sweep(np.append(np.inf, scores[order][last]), np.append(nothing, totals[last]))


def _scaled(position: Floats | float) -> Floats:
    """Return NAB's scaled sigmoid: 0 at the end of a window, -1 far behind it."""
    at = np.asarray(position, dtype=np.float64)
    return np.where(at > FAR, -1.0, 2.0 / (1.0 + np.exp(5.0 * at)) - 1.0)
