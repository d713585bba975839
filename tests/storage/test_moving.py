"""Entities of a keyspace of before: served where they lie, moved when the upgrade is finished, restored from its backups."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cassandra.cluster import Session

from storage.backup import keyspace as kept
from storage.entities import Change, CommandRow, OperationRow, Snapshot
from storage.entity_layout import BUCKETED, SEPARATE, layout_of
from storage.entity_store import CassandraEntityStore
from storage.errors import StopProcessError
from storage.migrate import migrate
from storage.migration_files import Migration, shipped
from storage.migration_lock import MigrationLock
from storage.session import connect
from storage.settings import CassandraSettings

pytestmark = pytest.mark.cassandra

QUEUED, SENT = CommandRow("k1", "queued", "{}"), CommandRow("k1", "sent", "{}")
DONE = OperationRow("o1", "[]")
EXPANSIONS = [m for m in shipped() if not m.contracts]


@pytest.fixture
def older(settings: CassandraSettings) -> Iterator[Session]:
    """Give a session on a keyspace that an older release could serve."""
    migrate(settings, migrations=EXPANSIONS)
    with connect(settings) as opened:
        yield opened


def fill(session: Session, settings: CassandraSettings) -> dict[str, Snapshot]:
    store = CassandraEntityStore(session, settings, lambda: 5)
    store.save("card-1", 0, Change("s1", ("e1/fraud", "e2/fraud"), (QUEUED,)))
    store.save("card-1", 1, Change("s2", (), (SENT,), (DONE,)))
    for n in range(2, 60):
        store.save(f"card-{n}", 0, Change(f"of {n}"))
    return {entity: store.load(entity) for entity in store.entities()}


def of_life(session: Session, table: str) -> int:
    rows = session.execute(f"SELECT entity, ttl(taken_at) AS t FROM {table}")  # noqa: S608 - names of this test
    return max(row.t for row in rows if row.entity == "card-1" and row.t is not None)


def test_a_keyspace_of_before_is_served_until_the_upgrade_is_finished(
    older: Session, settings: CassandraSettings
) -> None:
    assert migrate(settings) == []
    assert layout_of(older, settings.keyspace) is SEPARATE
    before = fill(older, settings)
    assert len(before) == 59
    life = of_life(older, "entity_state")
    served = CassandraEntityStore(older, settings, lambda: 5)

    assert migrate(settings, contract=True) == ["0012_contract_entity_state"]
    with pytest.raises(StopProcessError):
        served.save("card-1", 2, Change("by one that does not know"))
    assert layout_of(older, settings.keyspace) is BUCKETED
    store = CassandraEntityStore(older, settings, lambda: 5)
    assert {entity: store.load(entity) for entity in store.entities()} == before
    assert store.taken_at("card-1", "e2/fraud") == 5
    assert abs(of_life(older, "entity_buckets") - life) < 120
    assert store.save("card-1", 2, Change("s3")) == 3
    assert store.load("card-1") == Snapshot(3, "s3", frozenset({"e1/fraud", "e2/fraud"}), (SENT,), (DONE,))


def test_a_move_that_was_cut_off_is_done_again_with_what_came_since(
    older: Session, settings: CassandraSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(older, settings)
    with monkeypatch.context() as cut:
        cut.setattr("storage.migrate._apply", _cut)
        with pytest.raises(ConnectionError):
            migrate(settings, contract=True)
    store = CassandraEntityStore(older, settings, lambda: 5)
    store.save("card-1", 2, Change("since", ("e3/fraud",)))
    wanted = store.load("card-1")
    migrate(settings, contract=True)
    assert CassandraEntityStore(older, settings, lambda: 5).load("card-1") == wanted


def test_a_new_keyspace_that_was_cut_off_has_buckets_at_once_and_is_contracted_later(
    settings: CassandraSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = MigrationLock.record

    def cut(lock: MigrationLock, migration: Migration, now_ms: int) -> None:
        whole(lock, migration, now_ms)
        if migration.number == 3:
            raise ConnectionError("cut off after the third migration")

    with monkeypatch.context() as patched:
        patched.setattr(MigrationLock, "record", cut)
        with pytest.raises(ConnectionError):
            migrate(settings)
    migrate(settings)
    with connect(settings) as session:
        assert layout_of(session, settings.keyspace) is BUCKETED
        before = fill(session, settings)
        assert migrate(settings, contract=True) == ["0012_contract_entity_state"]
        store = CassandraEntityStore(session, settings, lambda: 5)
        assert {entity: store.load(entity) for entity in store.entities()} == before


def _cut(*_: Any) -> None:
    raise ConnectionError("cut off after the move")


def test_a_backup_of_before_is_restored_into_buckets(
    older: Session,
    settings: CassandraSettings,
    tmp_path: Path,
    cassandra_session: Session,
    settings_of: Callable[[str], CassandraSettings],
) -> None:
    before = fill(older, settings)
    names = list(kept.export(older, settings.keyspace, tmp_path, lambda: 0))
    again = settings_of(f"{settings.keyspace}_2")
    try:
        migrate(again)
        with connect(again) as there:
            taken = kept.load(there, again, tmp_path, names, lambda: 0)
            assert taken["entity_buckets"].rows == 4 + 59
            digest = kept.digest(there, again.keyspace, lambda: 0)
            assert {name: digest[name] for name in taken} == taken
            store = CassandraEntityStore(there, again, lambda: 5)
            assert {entity: store.load(entity) for entity in store.entities()} == before
    finally:
        cassandra_session.execute(f"DROP KEYSPACE IF EXISTS {again.keyspace}")
