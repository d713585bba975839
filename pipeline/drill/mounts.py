"""Small file systems for what may fill up: in memory, mounted where that is allowed."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

MEGABYTES: Final = 512
"""Size of a file system that may fill up."""


@contextmanager
def mounted(folders: Sequence[Path], megabytes: int) -> Iterator[str | None]:
    """Mount a small file system on each of these folders; yield why that is not possible, or None."""
    done: list[Path] = []
    reason = _not_allowed()
    try:
        for folder in folders if reason is None else ():
            reason = reason or _mount(folder, megabytes)
            if reason is None:
                done.append(folder)
        yield reason
    finally:
        for folder in reversed(done):
            _unmount(folder)


def unmount_below(folder: Path) -> None:
    """Unmount what a killed drill has left."""
    for below in [path for path in folder.rglob("*") if path.is_mount()]:
        _unmount(below)


def _unmount(folder: Path) -> None:
    subprocess.run([_tool("umount"), "-l", str(folder)], check=False, capture_output=True)


def _not_allowed() -> str | None:
    if os.name != "posix" or os.geteuid() != 0:
        return "only root may mount a small file system"
    return None if shutil.which("mount") and shutil.which("umount") else "there is no mount command"


def _mount(folder: Path, megabytes: int) -> str | None:
    folder.mkdir(parents=True, exist_ok=True)
    command = [_tool("mount"), "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return None if done.returncode == 0 else f"no small file system can be mounted: {done.stderr.strip()}"


def _tool(name: str) -> str:
    return shutil.which(name) or name
