"""The fleet's readings as a file to train on: one row a reading, a column for every measurement of any class."""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ingest.fleet.classes import CLASSES
from ingest.fleet.fleet import Fleet, Tick
from ingest.fleet.gauges import Floats, Ints
from ingest.fleet.stream import OnTruth, in_order, run_name, ticked

MEASUREMENTS: Final = tuple(dict.fromkeys(name for each in CLASSES for name in each.names))
"""The measurements of all classes, each once."""

COLUMNS: Final = pa.schema([
    ("id", pa.string()), ("time", pa.int64()), ("machine", pa.string()), ("machine_class", pa.string()),
    ("latitude", pa.float64()), ("longitude", pa.float64()),
    *((name, pa.float64()) for name in MEASUREMENTS),
])  # fmt: skip
"""What the file looks like; `time` in milliseconds since the epoch, null where a machine has no such measurement."""

ROWS: Final = 50_000
"""About so many rows are written at once."""


def write_history(path: Path, fleet: Fleet, ticks: int, on_truth: OnTruth) -> int:
    """Write the readings of so many ticks to a Parquet file, each once; return the number of rows.

    They are those of the live stream of a fleet with the same settings and start, in the same order. The
    mapping `maps/readings.toml` replays the file.
    """
    rows = Rows(fleet)
    written = 0
    with pq.ParquetWriter(path, COLUMNS) as file:
        for some in _batched(ticked(fleet, ticks, tuple, on_truth), max(1, ROWS // len(fleet.names))):
            table = rows.table(some)
            file.write_table(table)
            written += table.num_rows
    return written


class Rows:
    """Makes tables of a fleet's ticks."""

    def __init__(self, fleet: Fleet) -> None:
        self._ids = np.array([f"sim-{run_name(fleet)}-{name}-" for name in fleet.names])
        self._names = np.array(fleet.names)
        self._classes = np.array([each.name for each in fleet.classes])
        self._moving = fleet.places.moving
        at = {name: index for index, name in enumerate(MEASUREMENTS)}
        self._columns: Ints = np.array([[at[name] for name in each.names] for each in fleet.classes])

    def table(self, ticks: Sequence[Tick]) -> pa.Table:
        """Return the rows of some ticks."""
        chosen = [in_order(tick, tick.sent) for tick in ticks]
        who = np.concatenate(chosen)
        number = np.repeat([tick.number for tick in ticks], [len(each) for each in chosen])
        numbers = np.concatenate(
            [self._numbers(tick)[each] for tick, each in zip(ticks, chosen, strict=True)]
        )
        columns = [
            pa.array(np.char.add(self._ids[who], number.astype(str))),
            pa.array(np.concatenate([tick.time[each] for tick, each in zip(ticks, chosen, strict=True)])),
            pa.array(self._names[who]),
            pa.array(self._classes[who]),
            *(pa.array(column, from_pandas=True) for column in numbers.T),
        ]
        return pa.table(columns, schema=COLUMNS)

    def _numbers(self, tick: Tick) -> Floats:
        """Return places and measurements, a row a machine."""
        wide = np.full((len(self._names), len(MEASUREMENTS)), np.nan)
        np.put_along_axis(wide, self._columns, tick.values, axis=1)
        places = np.where(self._moving[:, None], tick.places.round(5), np.nan)
        return np.column_stack([places, wide])


def _batched(ticks: Iterator[Tick], size: int) -> Iterator[list[Tick]]:
    while some := list(itertools.islice(ticks, size)):
        yield some
