"""Files of values between blanks, without a header: the mapping names their columns."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from ingest.errors import RefuseInputError
from ingest.rows import Shape
from ingest.sources.json_lines import read_lines
from ingest.sources.source import Broken, Columns, Numbered, Source, about_lines, refuse_missing
from models import rejections


def open_spaced(path: Path, columns: Columns) -> Source:
    """Open a file of lines of values between blanks; every value comes as text."""
    if not columns.names:
        raise RefuseInputError(f"{path} has no header: name its columns in the mapping, as `columns`")
    refuse_missing(path, columns, columns.names)
    at = [columns.names.index(column) for column in columns.wanted]
    return Source(Shape(columns.wanted, {}), _rows(path, len(columns.names), at), about_lines(path))


def _rows(path: Path, width: int, at: Sequence[int]) -> Iterator[Numbered]:
    for number, line in read_lines(path):
        yield number, line if isinstance(line, Broken) else _row(line, width, at)


def _row(line: bytes, width: int, at: Sequence[int]) -> list[str] | Broken:
    cells = line.decode(errors="surrogateescape").split()
    if not cells:
        return Broken(rejections.EMPTY, "the line is empty", line)
    if len(cells) != width:
        reason = rejections.MISSING_FIELD if len(cells) < width else rejections.UNKNOWN_FIELD
        return Broken(reason, f"{len(cells)} values, the mapping names {width} columns", line)
    return [cells[i] for i in at]
