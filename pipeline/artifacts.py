"""The registry of trained models: `<models_dir>/<name>/<version>.json`, each file written once and never changed.

A version is the spec's version and a number that the registry gives, as in `1.3`: the third artifact of its model.
"""

import os
import re
from pathlib import Path
from typing import Final

import msgspec

from models import artifact
from models.artifact import Artifact
from pipeline.errors import RefuseUsageError

_FILE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def keep(directory: Path, trained: Artifact) -> Path:
    """Give a model the next number and write it, whole or not at all; return its file, `<version>.json`.

    Raises
    ------
    RefuseUsageError
        When its name or version can't be part of a file's name.
    """
    for what, text in (("name", trained.name), ("version", trained.version)):
        if not _FILE_NAME.fullmatch(text):
            raise RefuseUsageError(f"the model's {what} {text!r} is no file name: use letters, digits, . _ -")
    folder = directory / trained.name
    folder.mkdir(parents=True, exist_ok=True)
    while True:
        version = f"{trained.version}.{_next_number(folder)}"
        file = folder / f"{version}.json"
        if _written(file, artifact.seal(msgspec.structs.replace(trained, version=version))):
            return file


def load(directory: Path, name: str, version: str) -> Artifact:
    """Read one version of a model.

    Raises
    ------
    RefuseUsageError
        When it is not there, with what is.
    RefuseSpecError
        When the file is no artifact, or was changed after training.
    """
    file = directory / name / f"{version}.json"
    if version not in versions(directory, name):
        there = ", ".join(versions(directory, name)) or "none"
        raise RefuseUsageError(
            f"there is no version {version} of model {name} in {directory} (there: {there}); "
            "`fastdata models train` makes one, `fastdata models list` shows all"
        )
    return artifact.decode(file.read_text(encoding="utf-8"), str(file))


def names(directory: Path) -> list[str]:
    """Return the names of all models."""
    return sorted(folder.name for folder in directory.glob("*") if any(folder.glob("*.json")))


def versions(directory: Path, name: str) -> list[str]:
    """Return the versions of a model, oldest first."""
    return sorted((file.stem for file in (directory / name).glob("*.json")), key=_number)


def _next_number(folder: Path) -> int:
    return 1 + max((_number(file.stem) for file in folder.glob("*.json")), default=0)


def _number(version: str) -> int:
    number = version.rpartition(".")[2]
    return int(number) if number.isdecimal() else 0


def _written(file: Path, sealed: Artifact) -> bool:
    """Write the file unless it is there: a training that ended at the same moment may have taken the number."""
    unfinished = file.with_name(f"{file.name}.{os.getpid()}")
    unfinished.write_text(artifact.encode(sealed), encoding="utf-8")
    try:
        file.hardlink_to(unfinished)
    except FileExistsError:
        return False
    finally:
        unfinished.unlink()
    return True
