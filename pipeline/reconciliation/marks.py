"""What is known of each record of a source partition, a byte a record and model: whether it was scored, or why not."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

SCORED: Final = 1
DEAD: Final = 2
UNSEEN: Final = 4
LATE: Final = 8
ABSENT: Final = 16
OVER: Final = 32
ROUTED: Final = 64

_MOST: Final = 50_000_000
"""Most records of one partition that may be open at once; a score of one beyond is no score of ours."""


@dataclass(frozen=True)
class Sums:
    """The marks of one minute, summed.

    Attributes
    ----------
    given
        Records that the model has to score.
    over, routed
        Scores over the threshold, and those of them that are alerts.
    missing, unrouted
        Records without any reason to have no score; scores over the threshold without alert.
    """

    given: int
    scored: int
    dead: int
    late: int
    over: int
    routed: int
    missing: int
    unrouted: int


def is_missing(mark: int, *, late_counts: bool) -> bool:
    """Whether a record should have been scored and was not."""
    excused = SCORED | DEAD | UNSEEN | ABSENT | (LATE if late_counts else 0)
    return not mark & excused


def is_unrouted(mark: int) -> bool:
    """Whether a score over the threshold is no alert."""
    return mark & (OVER | ROUTED) == OVER


def sums(marks: bytes | bytearray, *, late_counts: bool) -> Sums:
    """Sum up the marks of one minute.

    Parameters
    ----------
    late_counts
        Whether being late is a reason to have no score: the query says that it has dropped rows.
    """
    found = Counter(marks)

    def having(bits: int) -> int:
        return sum(count for mark, count in found.items() if mark & bits)

    return Sums(
        given=len(marks) - having(UNSEEN | ABSENT),
        scored=having(SCORED),
        dead=having(DEAD),
        late=sum(
            n
            for m, n in found.items()
            if late_counts and m & LATE and not m & (SCORED | DEAD | UNSEEN | ABSENT)
        ),
        over=having(OVER),
        routed=having(ROUTED),
        missing=sum(n for m, n in found.items() if is_missing(m, late_counts=late_counts)),
        unrouted=sum(n for m, n in found.items() if is_unrouted(m)),
    )


@dataclass
class Marks:
    """The records of one source partition that are not closed, as one model should have scored them.

    Attributes
    ----------
    base
        The offset of the first mark.
    since
        The first offset that the model has to score.
    high
        The highest offset that it has scored, -1 for none.
    """

    base: int
    since: int = 0
    high: int = -1
    _bytes: bytearray = field(default_factory=bytearray)

    def set(self, offset: int, mark: int) -> bool:
        """Set a mark; False for a record that is closed, or that can't be there."""
        index = offset - self.base
        if not 0 <= index < _MOST:
            return False
        self.upto(offset + 1)
        self._bytes[index] |= mark
        if mark & SCORED:
            self.high = max(self.high, offset)
        return True

    def upto(self, end: int) -> None:
        """Have marks for everything up to, not including, an offset."""
        if (more := end - self.base - len(self._bytes)) > 0:
            self._bytes.extend(bytes(more))

    def of(self, first: int, end: int) -> bytearray:
        """Return the marks of these offsets."""
        self.upto(end)
        return self._bytes[first - self.base : end - self.base]

    def forget(self, end: int) -> None:
        """Let go of everything before an offset."""
        self.upto(end)
        del self._bytes[: end - self.base]
        self.base = end


def offsets(first: int, marks: Iterable[int], *, late_counts: bool) -> Iterator[int]:
    """Yield the offsets of the records that are missing among those that begin at `first`."""
    return (first + i for i, mark in enumerate(marks) if is_missing(mark, late_counts=late_counts))
