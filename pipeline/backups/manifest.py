"""The manifest of a backup: what is in it, with checksums; it is written last, so that a torn backup has none."""

from hashlib import file_digest
from pathlib import Path
from typing import Final

import msgspec

from pipeline.errors import RefuseUsageError

FORMAT: Final = 1
FILE: Final = "manifest.json"


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file: its length in bytes and its SHA-256."""

    bytes: int
    sha256: str


class Rows(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rows of a table: how many, and the digest of their set."""

    rows: int
    digest: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A backup.

    Attributes
    ----------
    made_at
        When it was begun, milliseconds since the epoch.
    version
        Of the application that made it.
    keyspace
        Where the rows come from.
    migrations
        Checksums of the applied migrations, by number.
    tables
        Rows by the name of their file, without its ending.
    offsets
        How far each consumer group had come before the first row was read: group, topic, partition, offset.
    token_key
        Tells the key of card tokens from others; the key itself is in no backup. None where there was none.
    files
        Every file by its path in the folder.
    """

    format: int = FORMAT
    made_at: int
    version: str
    keyspace: str
    migrations: dict[int, str]
    tables: dict[str, Rows]
    offsets: dict[str, dict[str, dict[int, int]]]
    token_key: str | None
    files: dict[str, Kept]

    @property
    def bytes(self) -> int:
        """How much it holds."""
        return sum(kept.bytes for kept in self.files.values())


def write(folder: Path, manifest: Manifest) -> None:
    """Write the manifest whole."""
    unfinished = folder / f".{FILE}"
    unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1))
    unfinished.replace(folder / FILE)


def read(folder: Path) -> Manifest:
    """Return the manifest of a backup whose files are all as they were written.

    Raises
    ------
    RefuseUsageError
        When there is none, it is damaged, or a file is missing or changed.
    """
    try:
        manifest = msgspec.json.decode((folder / FILE).read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise RefuseUsageError(
            f"{folder} holds no {FILE}: it is no backup, or one that was not finished"
        ) from None
    except msgspec.DecodeError as error:
        raise RefuseUsageError(f"{folder / FILE} is damaged: {error}") from error
    if manifest.format != FORMAT:
        raise RefuseUsageError(f"{folder} has format {manifest.format}, this version reads format {FORMAT}")
    if wrong := sorted(name for name, kept in manifest.files.items() if not _is(folder, name, kept)):
        raise RefuseUsageError(f"{folder} is damaged: {', '.join(wrong)} missing or not as written")
    return manifest


def taken(folder: Path) -> dict[str, Kept]:
    """Return every file of a folder with its checksum, the manifest aside."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    names = ((path, path.relative_to(folder).as_posix()) for path in paths)
    return {name: kept(path) for path, name in names if name not in {FILE, f".{FILE}"}}


def kept(path: Path) -> Kept:
    """Return a file's length and checksum."""
    with path.open("rb") as file:
        return Kept(path.stat().st_size, file_digest(file, "sha256").hexdigest())


def _is(folder: Path, name: str, wanted: Kept) -> bool:
    path = folder / name
    inside = path.resolve().is_relative_to(folder.resolve())
    return inside and path.is_file() and path.stat().st_size == wanted.bytes and kept(path) == wanted
