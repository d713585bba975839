"""The series and labelled windows of the Numenta Anomaly Benchmark, from its archive, as readings."""

import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from models.events import Reading

_WINDOWS: Final = "labels/combined_windows.json"


@dataclass(frozen=True)
class Series:
    """One metric.

    Attributes
    ----------
    name
        As in `realTraffic/speed_7578`; the part before the slash is the category.
    times, value
        Of the rows, in the order of the file; milliseconds since the epoch.
    windows
        First and last time of each labelled window.
    """

    name: str
    times: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]
    windows: list[tuple[int, int]]

    @property
    def category(self) -> str:
        """The folder that it lies in."""
        return self.name.split("/", maxsplit=1)[0]

    def reading(self, row: int) -> Reading:
        """Return a row as an event."""
        return Reading(
            event_id=event_id(self.name, row),
            event_time=int(self.times[row]),
            machine=self.name,
            measurements={"value": float(self.value[row])},
        )


def event_id(name: str, row: int) -> str:
    """Return the id of a row's event."""
    return f"{name}:{row:06d}"


def read_corpus(archive: Path) -> list[Series]:
    """Read the archive (tar, Zstandard); series by name."""
    tables: dict[str, pd.DataFrame] = {}
    windows: Mapping[str, list[list[str]]] = {}
    with (
        pa.input_stream(str(archive), compression="zstd") as raw,
        tarfile.open(fileobj=io.BytesIO(raw.read())) as tar,
    ):
        for member in tar:
            found = tar.extractfile(member)
            if found is not None and member.name.endswith(_WINDOWS):
                windows = json.load(found)
            elif found is not None and member.name.endswith(".csv"):
                tables[member.name.split("data/", maxsplit=1)[1]] = _table(found)
    return [_series(file, tables[file], windows[file]) for file in sorted(windows)]


def arriving(corpus: list[Series]) -> Iterator[Reading]:
    """Yield all rows as events, every series in the order of its file, all by the time of their arrival.

    A row arrives when the latest time in its series so far says; where a clock jumps back, its event time is earlier.
    """
    arrival = np.concatenate([np.maximum.accumulate(series.times) for series in corpus])
    number = np.repeat(np.arange(len(corpus)), [len(series.times) for series in corpus])
    row = np.concatenate([np.arange(len(series.times)) for series in corpus])
    for at in np.lexsort((row, number, arrival)):
        yield corpus[number[at]].reading(int(row[at]))


def _table(file: IO[bytes]) -> pd.DataFrame:
    return pd.read_csv(file, parse_dates=["timestamp"])


def _series(file: str, table: pd.DataFrame, windows: list[list[str]]) -> Series:
    return Series(
        file.removesuffix(".csv"),
        table.timestamp.to_numpy("datetime64[ms]").astype(np.int64),
        table.value.to_numpy(np.float64),
        [(_ms(first), _ms(last)) for first, last in windows],
    )


def _ms(text: str) -> int:
    return int(pd.Timestamp(text).timestamp() * 1_000)
