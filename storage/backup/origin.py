"""Which schema rows belong to: the applied migrations, and whether this version knows them."""

from collections.abc import Mapping
from typing import Final

from cassandra.cluster import Session

from storage.failures import mapped
from storage.migration_files import pending, shipped

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
    pending(shipped(), migrations)
