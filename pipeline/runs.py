"""The directories that runs leave below the state directory, one per namespace."""

import fcntl
import shutil
from collections.abc import Callable
from pathlib import Path


def directories(state_dir: Path) -> list[Path]:
    """Return the directories of all runs."""
    return sorted(path for path in (state_dir / "runs").glob("*") if path.is_dir())


def owners(state_dir: Path) -> list[int]:
    """Return the processes that own one of them now."""
    found = (owner(directory) for directory in directories(state_dir))
    return [pid for pid in found if pid is not None]


def owner(directory: Path) -> int | None:
    """Return the process that owns a run's directory, or None."""
    try:
        with (directory / "run.lock").open("r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(file.read() or 0)
    except FileNotFoundError:
        return None
    return None


def wipe(state_dir: Path, report: Callable[[str], None]) -> None:
    """Delete what runs have kept: checkpoints and ledgers speak of topics that are gone."""
    for directory in directories(state_dir):
        report(f"Deleting {directory} (checkpoints, logs, ledger).")
        shutil.rmtree(directory)
