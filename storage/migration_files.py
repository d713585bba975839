"""Migrations as files: numbered, checksummed, and compared with those that were applied.

A migration *expands*: it adds tables, columns and indexes, and a program from before it goes on beside it. What takes
something away *contracts*: its name starts with `contract_`, it waits until no older program is wanted any more, and
expansions don't depend on it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib import resources
from typing import Final

from storage.errors import RefuseMigrationError

_FOLDER: Final = "migrations"
_CONTRACTS: Final = re.compile(r"\d{4}_contract_")
_EXPANSION: Final = re.compile(r"(CREATE|ALTER) .*\bIF NOT EXISTS\b", re.DOTALL)
_TABLE: Final = re.compile(r"\b(?:TABLE(?: IF (?:NOT )?EXISTS)?|ON) (\w+)")


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

    @property
    def contracts(self) -> bool:
        """Whether an older program can't live with it."""
        return is_contraction(self.name)


@dataclass(frozen=True, slots=True)
class Applied:
    """What a keyspace keeps of a migration that was applied to it."""

    name: str
    checksum: str


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
    read = Migration(int(number), name, text)
    for statement in statements(text):
        if not read.contracts and not _EXPANSION.match(statement):
            first = statement.splitlines()[0]
            raise RefuseMigrationError(
                f"{filename}: an expansion says CREATE or ALTER with IF NOT EXISTS, not {first!r}: "
                "what takes something away is a migration of its own, NNNN_contract_what_it_does.cql"
            )
    return read


def is_contraction(name: str) -> bool:
    """Whether the migration of this name takes something away."""
    return _CONTRACTS.match(name) is not None


def ordered(migrations: Sequence[Migration]) -> list[Migration]:
    """Sort migrations; their numbers must be 1, 2, 3 and so on."""
    result = sorted(migrations, key=lambda m: m.number)
    numbers = [m.number for m in result]
    if numbers != list(range(1, len(result) + 1)):
        raise RefuseMigrationError(f"migrations are numbered from 1 without gaps, these are {numbers}")
    return result


def pending(migrations: Sequence[Migration], applied: Mapping[int, Applied]) -> list[Migration]:
    """Return the migrations still to apply.

    Parameters
    ----------
    applied
        The applied ones by number. Expansions of a newer program may be among them.

    Raises
    ------
    RefuseMigrationError
        An applied migration's text changed, or the keyspace was contracted by a newer program.
    """
    known = {m.number for m in migrations}
    contracted = [
        a.name for number, a in sorted(applied.items()) if number not in known and is_contraction(a.name)
    ]
    if contracted:
        raise RefuseMigrationError(
            f"the keyspace was contracted by {', '.join(contracted)}, which this version does not know: "
            "use the newer version that did so"
        )
    for m in migrations:
        if m.number in applied and applied[m.number].checksum != m.checksum:
            raise RefuseMigrationError(
                f"migration {m.name} was changed after it was applied: restore its text, add a new migration"
            )
    return [m for m in migrations if m.number not in applied]


def due(
    migrations: Sequence[Migration], applied: Mapping[int, Applied], *, contract: bool
) -> list[Migration]:
    """Return the migrations to apply now: contractions where they are asked for, and in a new keyspace.

    Raises
    ------
    RefuseMigrationError
        As `pending` says.
    """
    missing = pending(migrations, applied)
    return missing if contract or not applied else [m for m in missing if not m.contracts]


def steps(missing: Sequence[Migration], *, is_new: bool) -> list[tuple[Migration, list[str]]]:
    """Return each migration with the statements to run: in a new keyspace none about a table that is dropped later."""
    dropped = {
        _table(statement): m.number
        for m in missing
        for statement in statements(m.text)
        if is_new and statement.startswith("DROP TABLE ")
    }
    return [
        (m, [statement for statement in statements(m.text) if m.number > dropped.get(_table(statement), 0)])
        for m in missing
    ]


def _table(statement: str) -> str | None:
    found = _TABLE.search(statement)
    return found and found[1]


def statements(text: str) -> list[str]:
    """Split CQL text into statements, without comments; no literal in it may hold `;` or `--`."""
    code = "\n".join(line.partition("--")[0].rstrip() for line in text.splitlines())
    return [statement.strip() for statement in code.split(";") if statement.strip()]
