"""JSON Lines files as rows, one line at a time, so that one broken line does not cost the others."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

from ingest.offers import decode_object
from ingest.rows import Shape
from ingest.sources.source import Broken, Columns, Numbered, Source, about_lines
from models import rejections
from models.dead_letters import KEPT_BYTES
from models.errors import RejectEventError

MAX_LINE_BYTES: Final = 1_048_576
"""Longer lines are not read into memory; they are refused as `too_large`."""


def open_json_lines(path: Path, columns: Columns) -> Source:
    """Open a JSON Lines file of objects; keys that the mapping does not name are passed over."""
    return Source(Shape(columns.wanted, {}), _rows(path, columns), about_lines(path))


def read_lines(path: Path) -> Iterator[tuple[int, bytes | Broken]]:
    """Read the lines of a file, without their ends, numbered from 1.

    Yields
    ------
    tuple
        The line's number, and the line, or what was kept of one that is too long.
    """
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            if len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
                yield number, _too_long(line, file)
            else:
                yield number, line.strip()


def _too_long(start: bytes, file: BinaryIO) -> Broken:
    size = len(start)
    while rest := file.readline(MAX_LINE_BYTES):
        size += len(rest)
        if rest.endswith(b"\n"):
            break
    detail = f"a line of {size} bytes, at most {MAX_LINE_BYTES} are read"
    return Broken(rejections.TOO_LARGE, detail, start[:KEPT_BYTES], size)


def _rows(path: Path, columns: Columns) -> Iterator[Numbered]:
    for number, line in read_lines(path):
        yield number, line if isinstance(line, Broken) else _row(line, columns)


def _row(line: bytes, columns: Columns) -> list[Any] | Broken:
    try:
        found = decode_object(line)
    except RejectEventError as error:
        return Broken(error.reason, error.detail, line)
    row = [found.get(column) for column in columns.wanted]
    missing = [c for c in columns.wanted if c not in found and c not in columns.optional]
    return Broken(rejections.MISSING_FIELD, f"no {', '.join(missing)}", row) if missing else row
