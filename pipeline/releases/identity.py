"""Which release this process runs: its environment, its version, and a digest of its sources."""

import hashlib
import sys
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from pipeline.releases.standing import Release

PACKAGES: Final = ("actors", "infra", "ingest", "models", "pipeline", "processing", "storage")
_KEPT: Final = 12
_SKIPPED: Final = frozenset({"__pycache__"})


@cache
def own() -> Release:
    """Return the release that this process runs."""
    return Release(sys.prefix, version("fastdata"), _digest())


def _digest() -> str:
    held = hashlib.sha256(version("fastdata").encode())
    for package in PACKAGES:
        _add(held, files(package), package)
    return held.hexdigest()[:_KEPT]


def _add(held: "hashlib._Hash", place: Traversable, path: str) -> None:
    for each in sorted(place.iterdir(), key=lambda child: child.name):
        if each.is_dir():
            if each.name not in _SKIPPED:
                _add(held, each, f"{path}/{each.name}")
        elif not each.name.endswith(".pyc"):
            held.update(f"{path}/{each.name}\0".encode() + each.read_bytes())
