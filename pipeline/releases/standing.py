"""Which release serves a namespace: what is wanted, what stands, and who changed it why. Files in the run's directory.

`wanted.json` is written by commands, `standing.json` by whoever owns the run's directory: the run, or a command while
nothing runs. A change that stands unanswered is taken up again, whoever died over it. `history.jsonl` only grows.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from pipeline import whole_files
from pipeline.errors import RefuseUsageError

_FOLDER: Final = "release"
_WANTED: Final = "wanted.json"
_STANDING: Final = "standing.json"
_HISTORY: Final = "history.jsonl"
_REMEDY: Final = "move it away; then the release that you call serves"

Kind = Literal["upgrade", "rollback", "finish"]


class Release(msgspec.Struct, frozen=True):
    """One installed version.

    Attributes
    ----------
    prefix
        Directory of its Python environment.
    digest
        Of its sources: two with the same version may differ.
    """

    prefix: str
    version: str
    digest: str

    @property
    def python(self) -> str:
        """Its interpreter."""
        return str(Path(self.prefix) / "bin" / "python3")

    def __str__(self) -> str:
        """Name it for people."""
        return f"{self.version} ({self.digest})"


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants.

    Attributes
    ----------
    parts
        The parts that the release consists of.
    one_way
        Why the release before can't come back after this change; empty where it can.
    at
        Milliseconds since the epoch.
    """

    id: str
    kind: Kind
    to: Release
    parts: list[str]
    one_way: list[str]
    who: str
    why: str
    at: int


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What serves now.

    Attributes
    ----------
    previous
        Where a rollback goes, None where there is none.
    one_way
        Why a rollback is refused.
    answered
        The change that was dealt with last.
    outcome
        What became of it: empty where it was done, else why not.
    """

    current: Release
    previous: Release | None = None
    one_way: list[str] = []
    answered: str = ""
    outcome: str = ""


def answered(standing: Standing, change: Change, failure: str = "") -> Standing:
    """Return what stands after a change; with a failure, nothing but that it was tried."""
    tried = msgspec.structs.replace(standing, answered=change.id, outcome=failure)
    if failure:
        return tried
    if change.kind == "finish":
        return msgspec.structs.replace(tried, previous=None, one_way=change.one_way)
    return msgspec.structs.replace(
        tried, current=change.to, previous=standing.current, one_way=change.one_way
    )


def open_change(wanted: Change | None, standing: Standing | None) -> Change | None:
    """Return the change that nobody has dealt with yet."""
    done = standing is not None and wanted is not None and standing.answered == wanted.id
    return None if done else wanted


def read_wanted(run_dir: Path) -> Change | None:
    """Return the last change that was asked for."""
    return whole_files.read(run_dir / _FOLDER / _WANTED, Change, _REMEDY)


def write_wanted(run_dir: Path, change: Change) -> None:
    """Ask for a change."""
    whole_files.write(run_dir / _FOLDER / _WANTED, change)
    _record(run_dir, {"event": "asked", **msgspec.to_builtins(change)})


def read_standing(run_dir: Path) -> Standing | None:
    """Return what stands, None where no release was ever changed."""
    return whole_files.read(run_dir / _FOLDER / _STANDING, Standing, _REMEDY)


def write_standing(run_dir: Path, standing: Standing, at: int) -> None:
    """Replace what stands; `at` is in milliseconds since the epoch."""
    whole_files.write(run_dir / _FOLDER / _STANDING, standing)
    _record(run_dir, {"event": "answered", "at": at, **msgspec.to_builtins(standing)})


def history(run_dir: Path) -> list[dict[str, Any]]:
    """Return all that was asked and answered, oldest first."""
    try:
        lines = (run_dir / _FOLDER / _HISTORY).read_bytes().splitlines()
    except FileNotFoundError:
        return []
    return [msgspec.json.decode(line) for line in lines if line.endswith(b"}")]


@contextmanager
def changing(run_dir: Path) -> Iterator[None]:
    """Let one command at a time change the release.

    Raises
    ------
    RefuseUsageError
        When another one is at it.
    """
    (run_dir / _FOLDER).mkdir(parents=True, exist_ok=True)
    with (run_dir / _FOLDER / "commands.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RefuseUsageError("another upgrade or rollback of this namespace is under way") from error
        yield


def _record(run_dir: Path, entry: dict[str, Any]) -> None:
    with (run_dir / _FOLDER / _HISTORY).open("ab") as file:
        file.write(msgspec.json.encode(entry) + b"\n")
