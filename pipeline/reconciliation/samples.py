"""A bounded, even sample of ids, the same in whatever order and however often they come."""

from dataclasses import dataclass, field
from typing import Generic, TypeVar
from zlib import crc32

V = TypeVar("V")


@dataclass
class Sample(Generic[V]):
    """Those of the ids whose hash ends in enough zeros, so that there are at most `most`.

    Attributes
    ----------
    level
        One of 2**level ids is kept.
    kept
        What was said of each kept id.
    """

    most: int
    level: int = 0
    kept: dict[str, V] = field(default_factory=dict)

    def add(self, name: str, value: V) -> None:
        """Take one id; one that is there stays as it is."""
        if self._is_in(name):
            self.kept.setdefault(name, value)
            while len(self.kept) > self.most:
                self.level += 1
                self.kept = {each: v for each, v in self.kept.items() if self._is_in(each)}

    def _is_in(self, name: str) -> bool:
        return not self.level or crc32(name.encode()) & ((1 << self.level) - 1) == 0
