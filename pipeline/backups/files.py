"""The files of a backup beside its tables: model artifacts, what is deployed, the ledgers."""

import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

_PATTERN: Final = "*/*.json"


class Places(NamedTuple):
    """Where they are on this machine.

    Attributes
    ----------
    models
        Folder of the trained artifacts.
    deployed
        Folder of what is deployed and of what the queries do.
    ledgers
        SQLite files of those who remember what they have done to the outside, by their name in a backup.
    """

    models: Path
    deployed: Path
    ledgers: Mapping[str, Path]

    @property
    def folders(self) -> dict[str, Path]:
        """Folders by their name in a backup."""
        return {"models": self.models, "deployed": self.deployed}


def save(places: Places, folder: Path) -> None:
    """Copy them into a backup; what is not there is left out."""
    for name, source in places.folders.items():
        for path in sorted(source.glob(_PATTERN)):
            _copy(path, folder / name / path.relative_to(source))
    for name, ledger in places.ledgers.items():
        if ledger.is_file():
            _copy_database(ledger, folder / name)


def differing(places: Places, folder: Path) -> list[Path]:
    """Return the files on this machine that putting a backup back would change."""
    return [
        there
        for held, there in _pairs(places, folder)
        if there.is_file() and there.read_bytes() != held.read_bytes()
    ]


def restore(places: Places, folder: Path) -> list[Path]:
    """Put the files of a backup back, in place of those that are there; return them.

    A ledger that is there stays: it knows all that the backup's knows, and must forget nothing.
    """
    put_back = []
    for held, there in _pairs(places, folder):
        _copy(held, there)
        put_back.append(there)
    for name, ledger in places.ledgers.items():
        if (folder / name).is_file() and not ledger.exists():
            _copy_database(folder / name, ledger)
            put_back.append(ledger)
    return put_back


def _pairs(places: Places, folder: Path) -> Iterator[tuple[Path, Path]]:
    for name, there in places.folders.items():
        for held in sorted((folder / name).glob(_PATTERN)):
            yield held, there / held.relative_to(folder / name)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f"{target.name}.new")
    shutil.copyfile(source, unfinished)
    unfinished.replace(target)


def _copy_database(source: Path, target: Path) -> None:
    """Copy a SQLite file as it is at one moment, whoever writes to it meanwhile."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(source)) as held, closing(sqlite3.connect(target)) as copy:
        held.backup(copy)
