"""What every source hands over: numbered rows, or what is broken instead of a row."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ingest.errors import RefuseInputError
from ingest.rows import Shape


class Broken(NamedTuple):
    """A row that can't be used: why, for a person, and its bytes, or its values where they could be told apart.

    `size` is how many bytes it had, when only its start was kept.
    """

    reason: str
    detail: str
    held: bytes | Sequence[Any]
    size: int = 0


Numbered = tuple[int, Sequence[Any] | Broken]
"""A row with its number in the file, counted from 1 (the line number for CSV and JSON Lines)."""


@dataclass(frozen=True)
class Source:
    """An open file: what its rows look like, the rows, and about how many there are."""

    shape: Shape
    rows: Iterator[Numbered]
    about: int


class Columns(NamedTuple):
    """Which columns are wanted, those of them that a single row may lack, and all columns of files without a header."""

    wanted: tuple[str, ...]
    optional: frozenset[str] = frozenset()
    names: tuple[str, ...] = ()


def refuse_missing(path: Path, columns: Columns, found: Sequence[str]) -> None:
    """Raise `RefuseInputError` when a wanted column is not among those that the file has."""
    if missing := [column for column in columns.wanted if column not in found]:
        raise RefuseInputError(
            f"{path} has no column {', '.join(missing)}; it has {', '.join(found)}: change the mapping"
        )


def about_lines(path: Path) -> int:
    """Return how many line ends a file has."""
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
