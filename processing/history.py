"""History for training: events and labels in the order of arrival, as one Parquet file that Spark reads."""

from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that every Spark user knows

from models import schema
from models.events import Event
from processing.stages import ARRIVAL

_ARROW: Final = {
    "string": pa.string(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "map<string, double>": pa.map_(pa.string(), pa.float64()),
}
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
        arriving = iter(events)
        while batch := list(islice(arriving, _BATCH)):
            writer.write_table(_table(rows, batch, columns))
            rows += len(batch)
    return rows


def read_history(spark: SparkSession, path: Path) -> DataFrame:
    """Return the rows as `processing.stages.featurise` takes them."""
    return spark.read.parquet(str(path)).withColumn("t", F.timestamp_millis("event_time"))


def verdicts(path: Path) -> pd.DataFrame:
    """Return the last label of each event: its `event_id`, `verdict`, and `known_at` in milliseconds since the epoch."""
    table = pq.read_table(path, columns=["transaction_id", "fraud", "event_time"])
    labels = table.filter(table["transaction_id"].is_valid()).rename_columns(
        ["event_id", "verdict", "known_at"]
    )
    found: pd.DataFrame = labels.to_pandas().drop_duplicates("event_id", keep="last")
    return found


def _columns(event_type: type[Event]) -> pa.Schema:
    own = [(f.name, _ARROW[f.spark]) for f in schema.fields(event_type)]
    return pa.schema([*own, ("fraud", pa.bool_()), ("transaction_id", pa.string()), (ARRIVAL, pa.int64())])


def _table(first: int, events: Sequence[Event], columns: pa.Schema) -> pa.Table:
    """Return events as rows numbered from `first`; a field that an event lacks is null."""
    arrays = [
        pa.array(range(first, first + len(events)), column.type)
        if column.name == ARRIVAL
        else pa.array([getattr(event, column.name, None) for event in events], column.type)
        for column in columns
    ]
    return pa.Table.from_arrays(arrays, schema=columns)
