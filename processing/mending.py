"""Checkpoints after a power cut: the last record of a log may be there and half-written, and Spark would not start on it.

Such a record says nothing, so it is as if it had not been written: its interval is run again, which is harmless.
"""

import json
from pathlib import Path
from typing import Final

LOGS: Final = ("commits", "offsets")
"""Spark's two logs of intervals: the offsets of one are written first, its commit last."""


def mend(checkpoint_dir: Path) -> list[Path]:
    """Delete records at the end of the logs of all queries that are half-written; return which these were.

    Parameters
    ----------
    checkpoint_dir
        The folder of the checkpoints, one below it per query; none of these queries may run.
    """
    torn = [file for query in sorted(checkpoint_dir.glob("*")) for file in _torn(query)]
    for file in torn:
        file.with_name(f".{file.name}.crc").unlink(missing_ok=True)
        file.unlink()
    return torn


def _torn(query: Path) -> list[Path]:
    """Return the last commit and the last offsets where they are torn; offsets that were committed are not touched."""
    commit, offsets = (_last(query / log) for log in LOGS)
    torn = [commit] if commit is not None and is_torn(commit) else []
    if offsets is not None and is_torn(offsets):
        committed = commit is not None and not torn and commit.name == offsets.name
        torn += [] if committed else [offsets]
    return torn


def _last(log: Path) -> Path | None:
    records = [file for file in log.glob("*") if file.name.isdecimal()]
    return max(records, key=lambda file: int(file.name), default=None)


def is_torn(record: Path) -> bool:
    """Whether a record of a log lacks its version or its first line of JSON, or is cut within."""
    version, _, rest = record.read_text(encoding="utf-8", errors="replace").partition("\n")
    try:
        lines = [json.loads(line) for line in rest.splitlines() if line != "-"]
    except ValueError:
        return True
    return not (version.startswith("v") and version[1:].isdecimal() and lines)
