"""Cassandra's commit logs that were begun on a full disk: put aside, as they hold nothing and Cassandra does not start from them."""

import re
import shutil
import struct
from pathlib import Path
from typing import Final

_WORDS: Final = re.compile(r"Could not read commit log descriptor in file")
_BEGINNING: Final = struct.Struct(">iqH")
"""Version, number of the log, length of its parameters; these and a checksum follow."""

_CHECKSUM: Final = 4


def put_aside(words: str, logs: Path, kept: Path) -> str | None:
    """Put the logs aside that have no beginning, if Cassandra complains of one.

    Parameters
    ----------
    words
        What Cassandra has written since its start.
    logs
        Folder of its commit logs.
    kept
        Folder for those that are put aside.

    Returns
    -------
    str or None
        What was done, for people; None when Cassandra complains of something else, or no log is blank.
    """
    if not _WORDS.search(words):
        return None
    blank = [log for log in sorted(logs.glob("CommitLog-*.log")) if _is_blank(log)]
    if not blank:
        return None
    kept.mkdir(exist_ok=True)
    for log in blank:
        shutil.move(log, kept / log.name)
    names = ", ".join(log.name for log in blank)
    return f"{names} had been begun on a full disk and held nothing yet: now in {kept}"


def _is_blank(log: Path) -> bool:
    """Whether it is shorter than a beginning, or nothing but the zeros that a mapped file starts with."""
    data = log.read_bytes()
    if len(data) < _BEGINNING.size:
        return True
    _version, _number, parameters = _BEGINNING.unpack_from(data)
    return len(data) < _BEGINNING.size + parameters + _CHECKSUM or not any(data)
