"""Opens a file by its name's ending as a stream of rows."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from ingest.errors import RefuseInputError
from ingest.sources.csv_rows import open_csv
from ingest.sources.json_lines import open_json_lines
from ingest.sources.parquet import open_parquet
from ingest.sources.source import Columns, Source

_OPENERS: Final[dict[str, Callable[[Path, Columns], Source]]] = {
    ".parquet": open_parquet,
    ".csv": open_csv,
    ".jsonl": open_json_lines,
    ".ndjson": open_json_lines,
}


def open_source(path: Path, columns: Columns) -> Source:
    """Open a file of rows: Parquet (`.parquet`), CSV (`.csv`, with a header) or JSON Lines.

    Raises
    ------
    RefuseInputError
        When the file can't be read, lacks a column, or has another ending.
    """
    opener = _OPENERS.get(path.suffix.lower())
    if opener is None:
        raise RefuseInputError(f"{path}: what is it? Name it {', '.join(_OPENERS)}")
    try:
        return opener(path, columns)
    except OSError as error:
        raise RefuseInputError(f"can't read {path}: {error}") from error
