"""The pace of a session's queries: intervals of different lengths, so that no two queries keep ending theirs together.

At the end of its interval a query pauses: its tasks end, what they did is committed, the next interval is planned. Queries
that start together and have intervals of one length do this at the same moment for ever, and each waits for the others'
processor time. Lengths that differ by a fraction with a prime denominator meet once in many intervals.
"""

from dataclasses import dataclass, field
from typing import Final

SHORTEST_MS: Final = 5_000
"""Spark refuses shorter intervals."""

PARTS: Final = 61
"""Two lengths differ by this part of the longest, or a multiple of it."""

LENGTHS: Final = 12
"""How many different lengths there are: the shortest is 0.82 of the longest."""


@dataclass(frozen=True)
class Pace:
    """The lengths of the intervals of a session's queries.

    Attributes
    ----------
    interval_s
        The longest, in seconds.
    places
        Which query has which length; a query keeps its own when it is started again.
    """

    interval_s: int
    places: dict[str, int] = field(default_factory=dict)

    def of(self, query: str) -> int:
        """Return the length of a query's intervals, in milliseconds."""
        place = self.places.setdefault(query, len(self.places))
        return max(SHORTEST_MS, length_ms(self.interval_s * 1_000, place))


def length_ms(longest_ms: int, place: int) -> int:
    """Return the length of the intervals of the query that was started as number `place`, in milliseconds."""
    return longest_ms - longest_ms * (place % LENGTHS) // PARTS
