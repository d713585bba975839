"""CSV files as rows of text, one at a time, so that one broken row does not cost the others."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from ingest.errors import RefuseInputError
from ingest.rows import Shape
from ingest.sources.source import Broken, Columns, Numbered, Source, about_lines, refuse_missing
from models import rejections

_HEADER_LINES: Final = 1


def open_csv(path: Path, columns: Columns) -> Source:
    """Open a CSV file with a header (comma, UTF-8); every value comes as text."""
    header = _header(path)
    refuse_missing(path, columns, header)
    at = [header.index(column) for column in columns.wanted]
    return Source(Shape(columns.wanted, {}), _rows(path, len(header), at), about_lines(path) - _HEADER_LINES)


def _header(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        try:
            return next(csv.reader(file), [])
        except csv.Error as error:
            raise RefuseInputError(f"{path} is not CSV: {error}") from error


def _rows(path: Path, width: int, at: Sequence[int]) -> Iterator[Numbered]:
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        reader = csv.reader(file, strict=True)
        next(reader)
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield reader.line_num, Broken(rejections.WRONG_TYPE, f"not CSV: {error}", b"")
                continue
            yield reader.line_num, [cells[i] for i in at] if len(cells) == width else _broken(cells, width)


def _broken(cells: Sequence[str], width: int) -> Broken:
    payload = ",".join(cells).encode(errors="surrogateescape")
    if not cells:
        return Broken(rejections.EMPTY, "the line is empty", payload)
    reason = rejections.MISSING_FIELD if len(cells) < width else rejections.UNKNOWN_FIELD
    return Broken(reason, f"{len(cells)} columns, the header has {width}", payload)
