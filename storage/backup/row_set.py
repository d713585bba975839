"""A digest of a set of rows that does not depend on their order."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import msgspec

from storage.backup.values import StoredRow

_BYTES: Final = 16
_SIZE: Final = 1 << (8 * _BYTES)
_encoder: Final = msgspec.msgpack.Encoder()


@dataclass
class RowSet:
    """Rows counted and summed up: equal sets of rows, and in practice only those, give the same digest.

    A row counts with its key, its values and their write times; how long it still lives does not.
    """

    rows: int = 0
    _sum: int = 0

    def add(self, row: StoredRow) -> None:
        """Take a row in."""
        plain = [row.key, [cell and cell[:2] for cell in row.cells]]
        digest = blake2b(_encoder.encode(plain), digest_size=_BYTES).digest()
        self._sum = (self._sum + int.from_bytes(digest, "big")) % _SIZE
        self.rows += 1

    def add_all(self, rows: Iterable[StoredRow]) -> "RowSet":
        """Take rows in and return this set."""
        for row in rows:
            self.add(row)
        return self

    @property
    def digest(self) -> str:
        """32 hexadecimal digits."""
        return f"{self._sum:0{2 * _BYTES}x}"
