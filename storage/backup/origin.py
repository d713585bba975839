"""Which schema rows belong to: the applied migrations, and whether this version knows them."""

from collections.abc import Collection, Mapping
from typing import Final

from cassandra.cluster import Session

from storage.errors import RefuseMigrationError
from storage.failures import mapped
from storage.migration_files import Applied, pending, shipped

_APPLIED: Final = "SELECT number, checksum FROM schema_migrations"


def applied(session: Session) -> dict[int, str]:
    """Return the checksums of the keyspace's migrations, by number."""
    with mapped("reading the applied migrations"):
        return {row.number: row.checksum for row in session.execute(_APPLIED) if row.number is not None}


def refuse_unknown(migrations: Mapping[int, str]) -> None:
    """Refuse rows of a schema that this version does not know.

    Raises
    ------
    RefuseMigrationError
        When they were written under a later version, or a migration was changed since.
    """
    names = {m.number: m.name for m in shipped()}
    unknown = migrations.keys() - names.keys()
    if unknown:
        raise RefuseMigrationError(
            f"the rows are of a schema with migrations {sorted(unknown)}, which this version does not know: "
            "use the version that wrote them"
        )
    pending(shipped(), {number: Applied(names[number], held) for number, held in migrations.items()})


def was_contracted(migrations: Collection[int]) -> bool:
    """Whether rows of a schema with these migrations need a keyspace that is contracted too."""
    return any(m.contracts and m.number in migrations for m in shipped())
