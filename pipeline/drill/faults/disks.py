"""Disks that are full: what a server or the query writes to is a small file system, and something fills it."""

import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from pipeline.drill.rig import Rig, SkipFaultError

FULL_S: Final = 10.0
BLOCK: Final = bytes(1 << 20)
FILLING: Final = "filling"


def full(what: str, rig: Rig) -> str:
    """Fill the disk of a server or of the checkpoints for some seconds."""
    folder = folder_of(what, rig)
    if not folder.is_mount():
        raise SkipFaultError(rig.no_mounts or f"{folder} is no file system of its own")
    file = folder / FILLING
    try:
        fill(file)
        time.sleep(FULL_S)
    finally:
        file.unlink(missing_ok=True)
    return f"the disk of {what} was full for {FULL_S:.0f} s"


def folder_of(what: str, rig: Rig) -> Path:
    """Return where it writes."""
    if what == "checkpoint":
        return rig.checkpoint
    return rig.data(rig.leader() if what == "broker" else "cassandra-1")


def fill(file: Path) -> None:
    """Write until there is no more room."""
    with suppress(OSError), file.open("wb", buffering=0) as stream:
        while stream.write(BLOCK):
            pass
