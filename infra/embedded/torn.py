"""What a full disk leaves in Cassandra's commit logs, and Cassandra does not start from: taken out of the way.

Cassandra forgives a log that was cut short, but not one whose last section is said to be longer than the file, nor one
without a whole beginning. What lies there was never acknowledged: with `commitlog_sync: batch` a write is answered after
its section is synced.
"""

import os
import re
import shutil
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_BAD_END: Final = re.compile(
    r"Encountered bad header at position (\d+) of commit log (\S+), with bad position but valid CRC"
)
_NO_BEGINNING: Final = re.compile(r"Could not read commit log descriptor in file")
_END: Final = struct.Struct(">i")
_BEGINNING: Final = struct.Struct(">iqH")
"""Version, number of the segment, length of its parameters; these and a checksum follow."""

_CHECKSUM: Final = 4


def mend(words: str, logs: Path, kept: Path) -> str | None:
    """Take out of the way what a full disk has left in the commit logs, if Cassandra's words complain of that.

    Parameters
    ----------
    words
        What Cassandra has written since its start.
    logs
        Folder of its commit logs; no file elsewhere is touched.
    kept
        Folder for what is taken out of them.

    Returns
    -------
    str or None
        What was done, for people; None when the words complain of nothing that is torn.
    """
    if end := _BAD_END.search(words):
        return _cut(logs / Path(end[2]).name, int(end[1]), kept)
    if _NO_BEGINNING.search(words):
        return _put_aside(
            [log for log in sorted(logs.glob("CommitLog-*.log")) if _lacks_a_beginning(log)], kept
        )
    return None


def _cut(log: Path, position: int, kept: Path) -> str | None:
    if not log.is_file() or not _ends_amid_a_section(log, position):
        return None
    size = log.stat().st_size
    kept.mkdir(exist_ok=True)
    tail = kept / f"{log.name}.{position}"
    with log.open("r+b") as file:
        file.seek(position)
        tail.write_bytes(file.read())
        file.truncate(position)
        os.fsync(file.fileno())
    return f"{log.name} ended amid a write that was never acknowledged: its last {size - position} bytes are in {tail} now"


def _put_aside(logs: Sequence[Path], kept: Path) -> str | None:
    for log in logs:
        kept.mkdir(exist_ok=True)
        shutil.move(log, kept / log.name)
    names = ", ".join(log.name for log in logs)
    return f"{names} had been begun on a full disk and held nothing yet: now in {kept}" if logs else None


def _lacks_a_beginning(log: Path) -> bool:
    with log.open("rb") as file:
        beginning = file.read(_BEGINNING.size)
    if len(beginning) < _BEGINNING.size:
        return True
    _version, _segment, parameters = _BEGINNING.unpack(beginning)
    return bool(log.stat().st_size < _BEGINNING.size + parameters + _CHECKSUM)


def _ends_amid_a_section(log: Path, position: int) -> bool:
    with log.open("rb") as file:
        file.seek(position)
        header = file.read(_END.size)
    return len(header) == _END.size and _END.unpack(header)[0] > log.stat().st_size
