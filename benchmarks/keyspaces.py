"""Dropping the keyspace that a benchmark has filled, on servers that go on."""

from typing import Final

from cassandra.cluster import Session

_TABLES: Final = "SELECT table_name FROM system_schema.tables WHERE keyspace_name = %s"


def drop(session: Session, name: str) -> None:
    """Drop a keyspace that nobody writes to any more, emptied first.

    Cassandra 5.0 ends itself when it clears its commit log of a table while that is dropped ("Unknown CF"); of an empty
    table there is nothing to clear.
    """
    for (table,) in session.execute(_TABLES, (name,)):
        session.execute(f"TRUNCATE {name}.{table}")
    session.execute(f"DROP KEYSPACE {name}", timeout=60)
