"""Landmark windows: where a forward decay starts, how long a window lives, which copy of an event counts.

Time is cut into windows that start every `stride` and overlap by `overlap`; the window start is the landmark
of the forward decay (Cormode, Shkapenyuk, Srivastava, Xu: Forward Decay, ICDE 2009). An event falls into one
or two windows; the copy at least `overlap` after its window's start has that much history behind it and is
the one that is kept.
"""

from dataclasses import dataclass
from typing import Final

from models.errors import RefuseSpecError

HISTORY_HALF_LIVES: Final = 8
"""History that a kept event has at least, in multiples of the longest half-life: less than 1/256 is cut off."""

RANGE_HALF_LIVES: Final = 900
"""Longest window in multiples of the shortest half-life: 2**900 still fits a double with room for sums."""

SLOPE_HALF_LIVES: Final = 100
"""Longest window in multiples of the shortest half-life of a slope: its times are squared, and lose digits as they grow."""

STRIDE_OVERLAPS: Final = 4
"""Preferred stride in multiples of the overlap: an event is then copied 1.25 times on average."""

_MINUTE: Final = 60_000
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR


@dataclass(frozen=True)
class LandmarkWindows:
    """Stride and overlap of the windows, in milliseconds; both are whole hours, or minutes where hours are too long."""

    stride_ms: int
    overlap_ms: int

    @property
    def length_ms(self) -> int:
        """Length of one window in milliseconds."""
        return self.stride_ms + self.overlap_ms

    def start(self, event_time: int) -> int:
        """Return the landmark of the copy that is kept, in milliseconds since the epoch."""
        return (event_time - self.overlap_ms) // self.stride_ms * self.stride_ms


def landmark_windows(
    half_lives_ms: frozenset[int], *, history_ms: int = 0, slopes_ms: frozenset[int] = frozenset()
) -> LandmarkWindows:
    """Choose windows in which every one of these half-lives is exact.

    Parameters
    ----------
    half_lives_ms
        All half-lives.
    history_ms
        History that a kept event needs besides, milliseconds.
    slopes_ms
        Those of the half-lives that slopes have.

    Raises
    ------
    RefuseSpecError
        When the half-lives lie too far apart for one window, with the range that would fit.
    """
    needed = max(HISTORY_HALF_LIVES * max(half_lives_ms, default=0), history_ms) or _DAY
    limits = [RANGE_HALF_LIVES * h for h in half_lives_ms] + [SLOPE_HALF_LIVES * h for h in slopes_ms]
    for unit in (_HOUR, _MINUTE):
        overlap = _whole(needed, unit)
        longest_window = min(limits, default=(STRIDE_OVERLAPS + 1) * overlap) // unit * unit
        stride = min(max(STRIDE_OVERLAPS * overlap, _HOUR), longest_window - overlap)
        if stride >= overlap:
            return LandmarkWindows(stride_ms=stride, overlap_ms=overlap)
    raise RefuseSpecError(_too_far_apart(half_lives_ms, slopes_ms, overlap, longest_window))


def _too_far_apart(
    half_lives: frozenset[int], slopes: frozenset[int], overlap: int, longest_window: int
) -> str:
    shortest, longest = min(half_lives) / _HOUR, max(half_lives) / _HOUR
    fitting = (
        f"with {shortest:g} h the longest may be {longest_window / (2 * HISTORY_HALF_LIVES) / _HOUR:g} h"
    )
    if longest_window < RANGE_HALF_LIVES * min(half_lives) // _MINUTE * _MINUTE:
        slope = min(slopes) / _HOUR
        return (
            f"half-lives of {slope:g} h (of a slope) and {longest:g} h lie too far apart: with a slope of {slope:g} h the "
            f"longest may be {longest_window / (2 * HISTORY_HALF_LIVES) / _HOUR:g} h, with {longest:g} h a slope's "
            f"shortest may be {2 * overlap / SLOPE_HALF_LIVES / _HOUR:g} h"
        )
    if overlap > HISTORY_HALF_LIVES * max(half_lives):
        return (
            f"a half-life of {shortest:g} h and a history of {overlap / _HOUR:g} h lie too far apart: with {shortest:g} h the "
            f"history may be {longest_window / 2 / _HOUR:g} h, with {overlap / _HOUR:g} h the shortest half-life may be "
            f"{2 * overlap / RANGE_HALF_LIVES / _HOUR:g} h"
        )
    return (
        f"half-lives of {shortest:g} h and {longest:g} h lie too far apart: {fitting}, with {longest:g} h "
        f"the shortest may be {2 * overlap / RANGE_HALF_LIVES / _HOUR:g} h"
    )


def _whole(duration_ms: int, unit: int) -> int:
    return -(-duration_ms // unit) * unit
