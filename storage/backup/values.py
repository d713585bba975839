"""Values of cells as plain values (text, numbers, bytes) and back; and the row that is made of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from uuid import UUID

import pyarrow as pa

from storage.score_rows import date_value
from storage.times import millis

Plain = str | int | float | bool | bytes | None


@dataclass(frozen=True)
class Kind:
    """How a CQL type is kept.

    Attributes
    ----------
    arrow
        The type of its column in a file.
    plain
        Makes a plain value of the driver's.
    bindable
        Makes of a plain value what the driver takes.
    """

    arrow: pa.DataType
    plain: Callable[[Any], Plain]
    bindable: Callable[[Any], Any]


def _same(value: Any) -> Any:
    return value


_TEXT: Final = Kind(pa.string(), _same, _same)
_WHOLE: Final = Kind(pa.int64(), _same, _same)
_DOUBLE: Final = Kind(pa.float64(), _same, _same)

TYPES: Final[Mapping[str, Kind]] = {
    "text": _TEXT,
    "ascii": _TEXT,
    "bigint": _WHOLE,
    "int": _WHOLE,
    "smallint": _WHOLE,
    "tinyint": _WHOLE,
    "double": _DOUBLE,
    "float": _DOUBLE,
    "boolean": Kind(pa.bool_(), _same, _same),
    "blob": Kind(pa.binary(), bytes, _same),
    "timestamp": Kind(pa.int64(), millis, _same),
    "date": Kind(pa.int64(), lambda value: int(value.days_from_epoch), date_value),
    "uuid": Kind(pa.string(), str, UUID),
    "timeuuid": Kind(pa.string(), str, UUID),
}
"""The types that are kept exactly; a table with another one is refused."""


class Cell(NamedTuple):
    """A cell: its value, its write time (microseconds), and when it ends (seconds since the epoch) if it does."""

    value: Plain
    written: int
    expires: int | None


class StoredRow(NamedTuple):
    """A row of a layer: the values of its key, and its cells in the layer's order, None where there is none."""

    key: tuple[Plain, ...]
    cells: tuple[Cell | None, ...]
