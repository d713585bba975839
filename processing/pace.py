"""The pace of a session's queries: intervals of different lengths, so that no two queries keep ending theirs together.

At the end of its interval a query pauses: its tasks end, what they did is committed, the next interval is planned. Queries
that start together and have intervals of one length do this at the same moment for ever, and each waits for the others'
processor time. Lengths that differ by a fraction with a prime denominator meet once in many intervals. Of the queries that
are started one after another, the later has the longer one: its start takes seconds, which would let it catch up otherwise.
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
    together
        How many queries are started one after another at the beginning; those that come later have the lengths after theirs.
    places
        Which query has which length; a query keeps its own when it is started again.
    """

    interval_s: int
    together: int = 1
    places: dict[str, int] = field(default_factory=dict)

    def of(self, query: str) -> int:
        """Return the length of a query's intervals, in milliseconds."""
        number = len(self.places)
        place = self.places.setdefault(
            query, self.together - 1 - number if number < self.together else number
        )
        return max(SHORTEST_MS, length_ms(self.interval_s * 1_000, place))


def length_ms(longest_ms: int, place: int) -> int:
    """Return the length of the intervals at a place, in milliseconds; at place 0 it is the longest."""
    return longest_ms - longest_ms * (place % LENGTHS) // PARTS
