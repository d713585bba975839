"""Parquet files as rows, batch by batch."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from ingest.conversions import Held
from ingest.errors import RefuseInputError
from ingest.rows import Shape
from ingest.sources.source import Columns, Numbered, Source, refuse_missing

BATCH_ROWS: Final = 8_192


def open_parquet(path: Path, columns: Columns) -> Source:
    """Open a Parquet file; timestamps come as microseconds."""
    try:
        file = pq.ParquetFile(path)
    except pa.ArrowException as error:
        raise RefuseInputError(f"{path} is not a Parquet file: {error}") from error
    schema = file.schema_arrow
    refuse_missing(path, columns, schema.names)
    held = {name: _held(schema.field(name).type) for name in columns.wanted}
    return Source(Shape(columns.wanted, held), _rows(path, file, columns.wanted), file.metadata.num_rows)


def _held(kind: pa.DataType) -> Held:
    if not pa.types.is_timestamp(kind):
        return "values"
    return "instants" if kind.tz else "wall times"


def _rows(path: Path, file: pq.ParquetFile, columns: tuple[str, ...]) -> Iterator[Numbered]:
    number = 0
    try:
        for batch in file.iter_batches(BATCH_ROWS, columns=list(columns)):
            values = [_values(batch.column(name)) for name in columns]
            yield from enumerate(zip(*values, strict=True), number + 1)
            number += batch.num_rows
    except pa.ArrowException as error:
        raise RefuseInputError(f"{path} is damaged after row {number}: {error}") from error
    finally:
        file.close()


def _values(column: pa.Array) -> list[Any]:
    if pa.types.is_timestamp(column.type):
        micros = pa.timestamp("us", tz=column.type.tz)
        column = column.cast(micros, safe=False).cast(pa.int64())
    values: list[Any] = column.to_pylist()
    return values
