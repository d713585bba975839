"""Which rows share a request: batches of rows that the same node owns, bounded in rows and in bytes."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import TypeVar

R = TypeVar("R")


def grouped(
    rows: Iterable[R],
    *,
    owner: Callable[[R], Hashable],
    size: Callable[[R], int],
    most_rows: int,
    most_bytes: int,
) -> Iterator[list[R]]:
    """Group rows by owner, in their order, and yield each group as soon as it is full.

    Parameters
    ----------
    owner
        The node that should coordinate a row.
    size
        A row's size in bytes; a row larger than `most_bytes` comes alone.
    """
    open_groups: dict[Hashable, list[R]] = {}
    filled: dict[Hashable, int] = {}
    for row in rows:
        node, length = owner(row), size(row)
        if node in open_groups and filled[node] + length > most_bytes:
            yield open_groups.pop(node)
        group = open_groups.setdefault(node, [])
        filled[node] = length + (filled[node] if group else 0)
        group.append(row)
        if len(group) >= most_rows:
            yield open_groups.pop(node)
    yield from open_groups.values()
