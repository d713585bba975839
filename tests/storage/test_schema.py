from importlib import resources

import pytest
from cassandra.cluster import Session

from storage.migration_files import statements
from storage.schema import overview
from storage.settings import CassandraSettings


@pytest.mark.cassandra
def test_the_overview_is_what_the_migrations_make(session: Session, settings: CassandraSettings) -> None:
    shown = resources.files("storage").joinpath("schema.cql").read_text(encoding="utf-8")
    assert shown == overview(session, settings.keyspace), "render storage/schema.cql again"


@pytest.mark.cassandra
def test_the_overview_is_cql_that_makes_the_same_schema(
    session: Session, settings: CassandraSettings, cassandra_session: Session
) -> None:
    again = f"{settings.keyspace}_2"
    first = overview(session, settings.keyspace)
    cassandra_session.execute(
        f"CREATE KEYSPACE {again} WITH replication = {{'class': 'SimpleStrategy', 'replication_factor': 1}}"
    )
    try:
        session.set_keyspace(again)
        for statement in statements(first):
            session.execute(statement)
        assert overview(session, again) == first
    finally:
        cassandra_session.execute(f"DROP KEYSPACE {again}")
