"""Checkpoints that are lost, torn, or from an earlier time, found so by a query that starts again."""

import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psutil

from pipeline.drill.rig import Rig, await_end, pid_of, signal_all, until

END_S: Final = 10.0
INTERVALS: Final = 1.5
"""How many intervals an old checkpoint is behind."""


def lost(rig: Rig) -> str:
    """Take the checkpoints away while the query is down: it has to read everything again."""
    with _query_down(rig):
        _empty(rig.checkpoint)
    return "the query was killed and its checkpoints deleted"


def old(rig: Rig) -> str:
    """Put the checkpoints of an earlier moment in their place: everything since then is read again."""
    kept = rig.checkpoint.with_name("checkpoints-old")
    shutil.rmtree(kept, ignore_errors=True)
    pid = pid_of(rig, "query")
    signal_all(pid, signal.SIGSTOP)
    try:
        shutil.copytree(rig.checkpoint, kept)
    finally:
        signal_all(pid, signal.SIGCONT)
    behind_s = rig.interval_s * INTERVALS
    time.sleep(behind_s)
    with _query_down(rig):
        _empty(rig.checkpoint)
        shutil.copytree(kept, rig.checkpoint, dirs_exist_ok=True)
    return f"the query was killed and its checkpoints replaced by those of {behind_s:.0f} s before"


def torn(rig: Rig) -> str:
    """Leave the last commits half-written: there and empty, as after a power cut."""
    until(lambda: any(_numbered(folder) for folder in rig.checkpoint.glob("*/commits")), "a commit")
    with _query_down(rig):
        folders = [_numbered(folder) for folder in rig.checkpoint.glob("*/commits")]
        commits = [max(files, key=lambda file: int(file.name)) for files in folders if files]
        for file in commits:
            file.write_bytes(b"")
            file.with_name(f".{file.name}.crc").unlink(missing_ok=True)
    return f"the query was killed and its last commit emptied in {len(commits)} checkpoints"


@contextmanager
def _query_down(rig: Rig) -> Iterator[None]:
    """Kill the query with its Java; the block has to end before the supervisor starts it again, a second later."""
    process = psutil.Process(pid_of(rig, "query"))
    everyone = [process.pid, *(child.pid for child in process.children(recursive=True))]
    signal_all(process.pid, signal.SIGKILL)
    await_end(everyone, END_S)
    yield


def _numbered(folder: Path) -> list[Path]:
    return [file for file in folder.iterdir() if file.name.isdecimal()]


def _empty(folder: Path) -> None:
    """Delete what lies in a folder, which may be a file system of its own."""
    for below in folder.iterdir():
        shutil.rmtree(below) if below.is_dir() else below.unlink()
