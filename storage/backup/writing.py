"""Rows back into a layer, each cell with the write time and the rest of the life that it had."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from cassandra.cluster import Session
from cassandra.query import UNSET_VALUE

from storage.backup.layers import Layer
from storage.backup.values import TYPES, Cell, StoredRow
from storage.failures import mapped
from storage.flight import execute_all
from storage.requests import requests
from storage.settings import CassandraSettings

_FOR_EVER: Final = 0

Group = dict[int, Cell]
"""Cells of a row that were written at once and end at once, by their number in the layer."""


def put(
    session: Session,
    settings: CassandraSettings,
    layer: Layer,
    rows: Iterable[StoredRow],
    clock: Callable[[], int],
) -> None:
    """Write rows; the same call may be repeated.

    Raises
    ------
    RetryLaterError
        Cassandra did not confirm every row.
    """
    with mapped(f"preparing to write {layer.name}"):
        insert = session.prepare(layer.insert)
        update = session.prepare(layer.update) if layer.cells else insert
    insert.is_idempotent = update.is_idempotent = True
    statements = (bound for row in rows for bound in _bound(layer, insert, update, row, clock() // 1_000))
    execute_all(
        session,
        requests(session, settings, statements),
        most=settings.requests_in_flight,
        doing=f"writing {layer.name}",
    )


def groups(row: StoredRow) -> list[Group]:
    """Return the cells of one write together, those that live longest first."""
    found: dict[tuple[int, int | None], Group] = {}
    for number, cell in enumerate(row.cells):
        if cell is not None:
            found.setdefault((cell.written, cell.expires), {})[number] = cell
    longest = sorted(found, key=lambda at: (at[1] is not None, -(at[1] or 0), at[0]))
    return [found[at] for at in longest]


def _bound(layer: Layer, insert: Any, update: Any, row: StoredRow, now_s: int) -> Iterator[Any]:
    """Yield the statements of a row: the first inserts it, so that it is there as long as its longest cell."""
    key = [TYPES[layer.types[name]].bindable(value) for name, value in zip(layer.key, row.key, strict=True)]
    if not any(row.cells):
        yield insert.bind((*key, *(UNSET_VALUE for _ in layer.cells), now_s * 1_000_000, _FOR_EVER))
    for number, group in enumerate(groups(row)):
        cell = next(iter(group.values()))
        life = _FOR_EVER if cell.expires is None else max(1, cell.expires - now_s)
        cells = [_value(layer, group, n) for n in range(len(layer.cells))]
        if number == 0:
            yield insert.bind((*key, *cells, cell.written, life))
        else:
            yield update.bind((cell.written, life, *cells, *key))


def _value(layer: Layer, group: Group, number: int) -> Any:
    cell = group.get(number)
    if cell is None:
        return UNSET_VALUE
    return TYPES[layer.types[layer.cells[number]]].bindable(cell.value)
