"""History for training: events and labels in the order of arrival, as one Parquet file that Spark reads."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that every Spark user knows

from models import schema
from models.events import Event, Label
from processing.stages import ARRIVAL

_ARROW: Final = {"string": pa.string(), "bigint": pa.int64(), "double": pa.float64(), "boolean": pa.bool_()}
_BATCH: Final = 50_000


def write_history(events: Iterable[Event], event_type: type[Event], path: Path) -> int:
    """Write events and labels in the order of arrival.

    Parameters
    ----------
    events
        Events of `event_type` and labels about them, as they would arrive.
    event_type
        What the model scores.
    path
        The Parquet file; replaced when it exists.

    Returns
    -------
    int
        Rows written.
    """
    columns = _columns(event_type)
    rows = 0
    with pq.ParquetWriter(path, columns) as writer:
        numbered = enumerate(events)
        while batch := list(islice(numbered, _BATCH)):
            writer.write_table(pa.Table.from_pylist([_row(n, event) for n, event in batch], schema=columns))
            rows += len(batch)
    return rows


def read_history(spark: SparkSession, path: Path) -> DataFrame:
    """Return the rows as `processing.stages.featurise` takes them."""
    return spark.read.parquet(str(path)).withColumn("t", F.timestamp_millis("event_time"))


def verdicts(path: Path) -> Iterator[tuple[str, bool]]:
    """Yield the id of every labelled event and whether it was fraud."""
    table = pq.read_table(path, columns=["transaction_id", "fraud"])
    labelled = table.filter(table["transaction_id"].is_valid())
    yield from zip(labelled["transaction_id"].to_pylist(), labelled["fraud"].to_pylist(), strict=True)


def _columns(event_type: type[Event]) -> pa.Schema:
    own = [(f.name, _ARROW[f.spark]) for f in schema.fields(event_type)]
    return pa.schema([*own, ("fraud", pa.bool_()), ("transaction_id", pa.string()), (ARRIVAL, pa.int64())])


def _row(arrival: int, event: Event) -> dict[str, Any]:
    values = {name: getattr(event, name) for name in event.__struct_fields__}
    if not isinstance(event, Label):
        values |= {"fraud": None, "transaction_id": None}
    return {**values, ARRIVAL: arrival}
