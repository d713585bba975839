"""Walking a whole table: range by range of the token ring, page by page, so that no request is large."""

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any, Final

from cassandra.cluster import Session

from storage.failures import mapped

FIRST: Final = -(2**63)
LAST: Final = 2**63 - 1


def ranges(parts: int) -> list[tuple[int, int]]:
    """Cut the ring into ranges start < token <= end that cover every token once."""
    width = 2**64 // parts
    return list(pairwise([*(FIRST + i * width for i in range(parts)), LAST]))


def scan(session: Session, select: Any, *, parts: int = 64, ahead: int = 4) -> Iterator[Any]:
    """Yield all rows of a table.

    Parameters
    ----------
    select
        A prepared statement with the two bounds of a range of tokens.
    parts
        How many ranges to ask for.
    ahead
        How many ranges are asked for before their rows are wanted.
    """
    waiting: deque[Any] = deque()
    todo = iter(ranges(parts))
    with mapped("walking a table"):
        _ask(session, select, todo, waiting, ahead)
        while waiting:
            rows = waiting.popleft().result()
            _ask(session, select, todo, waiting, 1)
            yield from rows


def _ask(
    session: Session, select: Any, todo: Iterable[tuple[int, int]], waiting: deque[Any], count: int
) -> None:
    for _, bounds in zip(range(count), todo, strict=False):
        waiting.append(session.execute_async(select, bounds))
