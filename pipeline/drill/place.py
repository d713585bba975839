"""The folder of a drill: it is deleted before and after, so it has to be known as a drill's own."""

import shutil
from pathlib import Path
from typing import Final

from pipeline.drill import mounts
from pipeline.errors import RefuseUsageError

MARK: Final = "this-is-a-drill"


def claim(folder: Path) -> None:
    """Make the folder a drill's.

    Raises
    ------
    RefuseUsageError
        When it holds something that no drill has put there.
    """
    if folder.exists() and not is_own(folder) and (not folder.is_dir() or any(folder.iterdir())):
        raise RefuseUsageError(f"{folder} holds something else than a drill: name an empty --state-dir")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).touch()


def is_own(folder: Path) -> bool:
    """Whether a drill has claimed the folder."""
    return (folder / MARK).is_file()


def clear(folder: Path) -> None:
    """Delete all that a drill has left; its servers must not run any more."""
    if is_own(folder):
        mounts.unmount_below(folder)
        shutil.rmtree(folder)
