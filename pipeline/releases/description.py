"""What a release says of itself to the one in whose place it shall come: plain data, JSON between two processes."""

from typing import Any, Final

import msgspec

from pipeline.releases.shapes import Shape
from pipeline.releases.standing import Release

LAUNCHER: Final = 1
"""Raised when the way changes in which a run starts and hears its children."""


class Step(msgspec.Struct, frozen=True):
    """A migration of the store that the release knows."""

    number: int
    name: str
    checksum: str
    contracts: bool


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """A deployed model under the release.

    Attributes
    ----------
    runs
        The query, and checkpoint, that serves it now; empty before its first start.
    needs
        The query that the release needs for it: another one where it keeps other state.
    kept
        Whether a checkpoint of that name is there.
    in_python
        Whether it is scored in the Python lane.
    """

    model: str
    runs: str
    needs: str
    kept: bool
    in_python: bool


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """All that decides whether a release can take another's place.

    Attributes
    ----------
    launcher
        The way in which a run starts its children.
    parts
        Names of the parts that a run consists of.
    shapes
        What is kept or sent, by name: the JSON schema of each.
    components
        Named schemas that these refer to.
    problems
        Why it can't serve this namespace: a setting that it refuses, a file that it can't read.
    """

    release: Release
    launcher: int
    parts: list[str]
    migrations: list[Step]
    shapes: dict[str, dict[str, Any]]
    components: dict[str, dict[str, Any]]
    queries: list[Query]
    problems: list[str]

    def shape(self, name: str) -> Shape:
        """Return one of the shapes."""
        return Shape(self.shapes[name], self.components)
