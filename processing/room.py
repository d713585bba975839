"""Room for checkpoints: a query whose state can't be written must not begin, and must not go on."""

import shutil
import threading
from pathlib import Path
from typing import Final

import structlog

from processing.errors import StopQueryError

_MB: Final = 1 << 20
_LOOK_EVERY_S: Final = 1.0

log = structlog.get_logger(__name__)


def insist_on_room(folder: Path, least_mb: int) -> None:
    """Make sure that a folder's file system has room for what the next interval writes.

    Parameters
    ----------
    folder
        Of the checkpoints; made if it is missing.
    least_mb
        Megabytes that have to be free.

    Raises
    ------
    StopQueryError
        When less is free; whoever starts the query again finds it where it was.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise StopQueryError(f"the folder of the checkpoints, {folder}, can't be used: {error}") from error
    if (lack := lacking(free, least_mb)) is not None:
        raise StopQueryError(f"checkpoints in {folder}: {lack}")


def await_room(folder: Path, least_mb: int, stop: threading.Event) -> None:
    """Wait for room, or for `stop`: dying again and again would make it later, not sooner."""
    told = False
    while not stop.is_set():
        try:
            insist_on_room(folder, least_mb)
        except StopQueryError as error:
            if not told:
                log.warning("waiting for room", reason=str(error))
            told = True
            stop.wait(_LOOK_EVERY_S)
        else:
            return


def lacking(free_bytes: int, least_mb: int) -> str | None:
    """Return what is lacking and what to do about it; None where there is room enough."""
    if free_bytes >= least_mb * _MB:
        return None
    return (
        f"their file system has {free_bytes // _MB:,} MB free and {least_mb:,} are needed "
        "(processing.checkpoint_free_mb); free some space or move processing.checkpoint_dir: "
        "nothing is lost, the query goes on from its last commit"
    )
