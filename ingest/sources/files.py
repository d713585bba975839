"""Opens a file by its name's ending as a stream of rows; each row also knows the file's name and its own number."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from ingest.errors import RefuseInputError
from ingest.rows import Shape
from ingest.sources.csv_rows import open_csv
from ingest.sources.json_lines import open_json_lines
from ingest.sources.parquet import open_parquet
from ingest.sources.source import Broken, Columns, Numbered, Source
from ingest.sources.spaced import open_spaced

_OPENERS: Final[dict[str, Callable[[Path, Columns], Source]]] = {
    ".parquet": open_parquet,
    ".csv": open_csv,
    ".jsonl": open_json_lines,
    ".ndjson": open_json_lines,
    ".dat": open_spaced,
    ".txt": open_spaced,
}

FILE: Final = "@file"
"""Stands for the file's name without its ending wherever a mapping takes a column."""

ROW: Final = "@row"
"""Stands for the row's number in the file, from 1; the line number in files of lines."""


def open_source(path: Path, columns: Columns) -> Source:
    """Open a file of rows: Parquet (`.parquet`), CSV (`.csv`, with a header), JSON Lines, or values between blanks.

    The last (`.dat`, `.txt`) have no header: the mapping names their columns.

    Raises
    ------
    RefuseInputError
        When the file can't be read, lacks a column, has another ending, or names its columns as the mapping does too.
    """
    opener = _OPENERS.get(path.suffix.lower())
    if opener is None:
        raise RefuseInputError(f"{path}: what is it? Name it {', '.join(_OPENERS)}")
    if columns.names and opener is not open_spaced:
        raise RefuseInputError(f"{path} names its columns itself: leave `columns` out of the mapping")
    try:
        return _with_given(path, opener, columns)
    except OSError as error:
        raise RefuseInputError(f"can't read {path}: {error}") from error


def _with_given(path: Path, opener: Callable[[Path, Columns], Source], columns: Columns) -> Source:
    """Open a file whose rows end with what the mapping asks of their place."""
    given = tuple(column for column in columns.wanted if column in {FILE, ROW})
    if not given:
        return opener(path, columns)
    own = columns._replace(wanted=tuple(c for c in columns.wanted if c not in given))
    source = opener(path, own)
    shape = Shape((*source.shape.columns, *given), source.shape.held)
    return Source(shape, _placed(source.rows, path.stem, given), source.about)


def _placed(rows: Iterator[Numbered], stem: str, given: tuple[str, ...]) -> Iterator[Numbered]:
    for number, row in rows:
        if isinstance(row, Broken):
            yield number, row
        else:
            yield number, (*row, *(stem if column == FILE else number for column in given))
