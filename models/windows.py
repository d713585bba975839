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

STRIDE_OVERLAPS: Final = 4
"""Preferred stride in multiples of the overlap: an event is then copied 1.25 times on average."""

_HOUR: Final = 3_600_000
_DAY: Final = 24 * _HOUR


@dataclass(frozen=True)
class LandmarkWindows:
    """Stride and overlap of the windows, in milliseconds; both are whole hours."""

    stride_ms: int
    overlap_ms: int

    @property
    def length_ms(self) -> int:
        """Length of one window in milliseconds."""
        return self.stride_ms + self.overlap_ms

    def start(self, event_time: int) -> int:
        """Return the landmark of the copy that is kept, in milliseconds since the epoch."""
        return (event_time - self.overlap_ms) // self.stride_ms * self.stride_ms


def landmark_windows(half_lives_ms: frozenset[int]) -> LandmarkWindows:
    """Choose windows in which every one of these half-lives is exact.

    Raises
    ------
    RefuseSpecError
        When the half-lives lie too far apart for one window, with the range that would fit.
    """
    if not half_lives_ms:
        return LandmarkWindows(stride_ms=STRIDE_OVERLAPS * _DAY, overlap_ms=_DAY)
    shortest, longest = min(half_lives_ms), max(half_lives_ms)
    overlap = _whole_hours(HISTORY_HALF_LIVES * longest)
    longest_window = RANGE_HALF_LIVES * shortest // _HOUR * _HOUR
    stride = min(STRIDE_OVERLAPS * overlap, longest_window - overlap)
    if stride < overlap:
        raise RefuseSpecError(
            f"half-lives of {shortest / _HOUR:g} h and {longest / _HOUR:g} h lie too far apart: with {shortest / _HOUR:g} h "
            f"the longest may be {longest_window / (2 * HISTORY_HALF_LIVES) / _HOUR:g} h, with {longest / _HOUR:g} h "
            f"the shortest may be {2 * overlap / RANGE_HALF_LIVES / _HOUR:g} h"
        )
    return LandmarkWindows(stride_ms=stride, overlap_ms=overlap)


def _whole_hours(duration_ms: int) -> int:
    return -(-duration_ms // _HOUR) * _HOUR
