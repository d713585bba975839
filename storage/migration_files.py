"""Migrations as files: numbered, checksummed, and compared with those that were applied."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib import resources
from typing import Final

from storage.errors import RefuseMigrationError

_FOLDER: Final = "migrations"


@dataclass(frozen=True, slots=True)
class Migration:
    """One file `NNNN_name.cql`."""

    number: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """Identify the text, so that a later change of it is noticed."""
        return sha256(self.text.encode()).hexdigest()


def shipped() -> list[Migration]:
    """Return the migrations of this package, in their order."""
    files = (
        file for file in resources.files("storage").joinpath(_FOLDER).iterdir() if file.name.endswith(".cql")
    )
    return ordered([migration(file.name, file.read_text(encoding="utf-8")) for file in files])


def migration(filename: str, text: str) -> Migration:
    """Read a migration from its file's name and text."""
    name = filename.removesuffix(".cql")
    number = name.partition("_")[0]
    if not (number.isdecimal() and len(number) == len("0001")):
        raise RefuseMigrationError(f"{filename}: a migration is named NNNN_what_it_does.cql")
    return Migration(int(number), name, text)


def ordered(migrations: Sequence[Migration]) -> list[Migration]:
    """Sort migrations; their numbers must be 1, 2, 3 and so on."""
    result = sorted(migrations, key=lambda m: m.number)
    numbers = [m.number for m in result]
    if numbers != list(range(1, len(result) + 1)):
        raise RefuseMigrationError(f"migrations are numbered from 1 without gaps, these are {numbers}")
    return result


def pending(migrations: Sequence[Migration], applied: Mapping[int, str]) -> list[Migration]:
    """Return the migrations still to apply.

    Parameters
    ----------
    applied
        Checksums of the applied ones by number.

    Raises
    ------
    RefuseMigrationError
        An applied migration's text changed, or the keyspace is newer than this program.
    """
    unknown = applied.keys() - {m.number for m in migrations}
    if unknown:
        raise RefuseMigrationError(
            f"the keyspace has migrations {sorted(unknown)} that this version does not know: upgrade it first"
        )
    for m in migrations:
        if applied.get(m.number, m.checksum) != m.checksum:
            raise RefuseMigrationError(
                f"migration {m.name} was changed after it was applied: restore its text, add a new migration"
            )
    return [m for m in migrations if m.number not in applied]


def statements(text: str) -> list[str]:
    """Split CQL text into statements, without comments; no literal in it may hold `;` or `--`."""
    code = "\n".join(line.partition("--")[0].rstrip() for line in text.splitlines())
    return [statement.strip() for statement in code.split(";") if statement.strip()]
