"""A layer's rows as a Parquet file: the key's columns, and of each cell value, write time and end of life."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from storage.backup.layers import Layer
from storage.backup.values import TYPES, Cell, StoredRow

WRITTEN: Final = "written"
EXPIRES: Final = "expires"
_GROUP: Final = 10_000


def write(path: Path, layer: Layer, rows: Iterable[StoredRow]) -> None:
    """Write rows, a group of some thousands at a time."""
    columns, coming = _schema(layer), iter(rows)
    with pq.ParquetWriter(path, columns, compression="zstd") as writer:
        while group := list(islice(coming, _GROUP)):
            writer.write_table(pa.Table.from_pydict(_columns(layer, group), schema=columns))


def read(path: Path, layer: Layer) -> Iterator[StoredRow]:
    """Yield the rows; columns that the file does not have are absent cells."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(_GROUP):
            held = batch.to_pydict()
            keys = zip(*(held[name] for name in layer.key), strict=True)
            none: list[None] = [None] * batch.num_rows
            cells = [_cells(held, name, none) for name in layer.cells]
            for key, row in zip(keys, zip(*cells, strict=True) if cells else none, strict=True):
                yield StoredRow(tuple(key), tuple(row or ()))


def _cells(held: dict[str, list[Any]], name: str, none: list[None]) -> list[Cell | None]:
    if name not in held:
        return list(none)
    columns = zip(held[name], held[f"{name}.{WRITTEN}"], held[f"{name}.{EXPIRES}"], strict=True)
    return [None if written is None else Cell(value, written, expires) for value, written, expires in columns]


def _schema(layer: Layer) -> pa.Schema:
    key = [pa.field(name, TYPES[layer.types[name]].arrow) for name in layer.key]
    cells = [
        field
        for name in layer.cells
        for field in (
            pa.field(name, TYPES[layer.types[name]].arrow),
            pa.field(f"{name}.{WRITTEN}", pa.int64()),
            pa.field(f"{name}.{EXPIRES}", pa.int64()),
        )
    ]
    return pa.schema(key + cells)


def _columns(layer: Layer, rows: list[StoredRow]) -> dict[str, list[Any]]:
    held: dict[str, list[Any]] = {name: [row.key[n] for row in rows] for n, name in enumerate(layer.key)}
    for n, name in enumerate(layer.cells):
        cells = [row.cells[n] for row in rows]
        held[name] = [cell and cell.value for cell in cells]
        held[f"{name}.{WRITTEN}"] = [cell and cell.written for cell in cells]
        held[f"{name}.{EXPIRES}"] = [cell and cell.expires for cell in cells]
    return held
