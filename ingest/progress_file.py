"""The progress of a replay, kept in a file: how many of its items Kafka has acknowledged."""

import json
import os
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, NonNegativeInt, ValidationError

from ingest.errors import RefuseInputError

_SAMPLE_BYTES: Final = 65_536


class ReplayProgress(BaseModel):
    """How far a replay has come.

    Attributes
    ----------
    replay
        A digest of what is replayed: files, mapping, key, selection.
    acknowledged
        How many of its items, in their order, Kafka has acknowledged.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    replay: str
    acknowledged: NonNegativeInt = 0
    finished: bool = False


def load_progress(path: Path, replay: str) -> ReplayProgress:
    """Read the progress of this replay; none yet when there is no file.

    Raises
    ------
    RefuseInputError
        When the file is of another replay or damaged.
    """
    try:
        found = ReplayProgress.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return ReplayProgress(replay=replay)
    except (ValidationError, OSError) as error:
        raise RefuseInputError(
            f"{path} is no progress of a replay: restart it, or name another file"
        ) from error
    if found.replay != replay:
        raise RefuseInputError(
            f"{path} belongs to a replay of other files, mapping, key or selection: restart it, or name another file"
        )
    return found


def save_progress(path: Path, progress: ReplayProgress) -> None:
    """Replace the file at once, so that a crash leaves the old or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    with draft.open("w", encoding="utf-8") as file:
        file.write(progress.model_dump_json())
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def digest(files: Iterable[Path], *parts: object) -> str:
    """Return what tells one replay from another: the files' names, sizes, both ends, and the given parts."""
    found = blake2b(json.dumps([str(part) for part in parts]).encode(), digest_size=16)
    for path in files:
        found.update(f"\0{path.name}\0{path.stat().st_size}\0".encode(errors="surrogateescape"))
        found.update(_ends(path))
    return found.hexdigest()


def _ends(path: Path) -> bytes:
    with path.open("rb") as file:
        head = file.read(_SAMPLE_BYTES)
        file.seek(max(0, path.stat().st_size - _SAMPLE_BYTES))
        return head + file.read(_SAMPLE_BYTES)
