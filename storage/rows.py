"""Rows of Cassandra's answers as named tuples, and whether a conditional write was applied.

The driver's own factory makes a class for every answer, which took half of the processor time of a busy worker.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Final

from cassandra.query import named_tuple_factory

_KINDS: Final = 256
"""How many kinds of rows are known at a time: about one for each statement that reads."""


def named_rows(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[Any]:
    """Return rows as named tuples, as the driver's `named_tuple_factory` names their columns."""
    make = _kind(tuple(columns))._make
    return [make(row) for row in rows]


def was_applied(answer: Any) -> bool:
    """Whether the conditional write with this answer was applied; the driver's own check only knows its own factories."""
    return bool(answer.one().applied)


@lru_cache(_KINDS)
def _kind(columns: tuple[str, ...]) -> Any:
    (row,) = named_tuple_factory(columns, [columns])
    return type(row)
