"""A commit log of Cassandra that ends amid a write, as its disk was full then: cut where the last whole write ends.

Cassandra forgives a log that was cut short, but not one whose last section is said to be longer than the file. What
lies in that section was never acknowledged: with `commitlog_sync: batch` a write is answered after its section is synced.
"""

import os
import re
import struct
from pathlib import Path
from typing import Final

_SAID: Final = re.compile(
    r"Encountered bad header at position (\d+) of commit log (\S+), with bad position but valid CRC"
)
_END: Final = struct.Struct(">i")


def cut(words: str, logs: Path, kept: Path) -> str | None:
    """Cut the torn log that Cassandra's words name.

    Parameters
    ----------
    words
        What Cassandra has written since its start.
    logs
        Folder of its commit logs; no file elsewhere is touched.
    kept
        Folder for the bytes that are cut off.

    Returns
    -------
    str or None
        What was done, for people; None when the words name no log that is torn.
    """
    said = _SAID.search(words)
    if said is None:
        return None
    position, log = int(said[1]), logs / Path(said[2]).name
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


def _ends_amid_a_section(log: Path, position: int) -> bool:
    with log.open("rb") as file:
        file.seek(position)
        header = file.read(_END.size)
    return len(header) == _END.size and _END.unpack(header)[0] > log.stat().st_size
