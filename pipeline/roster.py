"""Who runs: a lock that lets one `run` own a directory, and the record by which orphans are found later.

A process is known by its id and its start time together, so a reused id is never mistaken for a child.
"""

import fcntl
import json
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

import psutil

from pipeline.errors import RefuseUsageError

RECORD: Final = "children.json"
"""The file in a run's directory that records its children."""


@contextmanager
def owned(directory: Path) -> Iterator[None]:
    """Own the directory for as long as the block runs.

    Raises
    ------
    RefuseUsageError
        When another process owns it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "run.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise RefuseUsageError(
                f"another run (process {file.read().strip() or 'unknown'}) owns {directory}: "
                "stop it, or choose another --namespace"
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def write(path: Path, pids: Mapping[str, int]) -> None:
    """Record the children that run now, by name."""
    rows = {name: [pid, started] for name, pid in pids.items() if (started := _started(pid)) is not None}
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(rows), encoding="utf-8")
    fresh.replace(path)


def orphans(path: Path) -> dict[str, int]:
    """Return the recorded children that still run, name to process id."""
    try:
        rows: dict[str, tuple[int, float]] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return {name: pid for name, (pid, started) in rows.items() if _started(pid) == started}


def end_orphans(path: Path, grace_s: float, report: Callable[[str], None]) -> None:
    """Stop the children that an earlier, killed parent left behind: SIGTERM, then their groups' SIGKILL."""
    left = {name: psutil.Process(pid) for name, pid in orphans(path).items()}
    for name, process in left.items():
        report(f"{name}: left behind by an earlier run as process {process.pid}, stopping it")
        _quietly(process.terminate)
    _gone, alive = psutil.wait_procs(list(left.values()), timeout=grace_s)
    for process in alive:
        _quietly(partial(os.killpg, process.pid, signal.SIGKILL))
    psutil.wait_procs(alive, timeout=grace_s)


def _quietly(act: Callable[[], None]) -> None:
    try:
        act()
    except (psutil.NoSuchProcess, ProcessLookupError):
        return


def _started(pid: int) -> float | None:
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.NoSuchProcess:
        return None
