"""Small JSON files in a run's directory: each is replaced whole, so that whoever reads sees the old or the new one."""

from pathlib import Path
from typing import Any, TypeVar

import msgspec

from pipeline.errors import RefuseUsageError

T = TypeVar("T")


def read(file: Path, kind: type[T], remedy: str) -> T | None:
    """Return what a file says, None when there is none.

    Parameters
    ----------
    remedy
        What to do about a damaged file.

    Raises
    ------
    RefuseUsageError
        When it is no such thing.
    """
    try:
        return msgspec.json.decode(file.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise RefuseUsageError(f"{file} is damaged ({error}): {remedy}") from error


def write(file: Path, content: Any) -> None:
    """Replace a file, and make its folder where there is none."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".new")
    unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=1))
    unfinished.replace(file)
