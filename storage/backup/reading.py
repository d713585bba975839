"""The rows of a layer, read from the whole ring."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from cassandra.cluster import Session

from storage.backup.layers import Layer
from storage.backup.values import TYPES, Cell, StoredRow
from storage.failures import mapped
from storage.scan import scan

_PER_CELL: Final = 3


def rows(session: Session, layer: Layer, clock: Callable[[], int]) -> Iterator[StoredRow]:
    """Yield every row once, in no order.

    Parameters
    ----------
    clock
        Milliseconds since the epoch: a cell's remaining life counts from it.
    """
    with mapped(f"preparing to read {layer.name}"):
        select = session.prepare(layer.select)
    for row in scan(session, select):
        stored = _stored(layer, row, clock() // 1_000)
        if stored is not None:
            yield stored


def _stored(layer: Layer, row: Any, now_s: int) -> StoredRow | None:
    wide = len(layer.key)
    if any(value is None for value in row[:wide]):
        return None  # a partition that has static cells alone
    key = tuple(TYPES[layer.types[name]].plain(value) for name, value in zip(layer.key, row, strict=False))
    cells = tuple(
        _cell(layer.types[name], row[wide + _PER_CELL * n : wide + _PER_CELL * (n + 1)], now_s)
        for n, name in enumerate(layer.cells)
    )
    return None if layer.is_static and not any(cells) else StoredRow(key, cells)


def _cell(kind: str, read: tuple[Any, ...], now_s: int) -> Cell | None:
    value, written, ttl = read
    if value is None or written is None:
        return None
    return Cell(TYPES[kind].plain(value), written, None if ttl is None else now_s + ttl)
