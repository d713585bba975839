import re
import threading
from dataclasses import replace
from importlib import resources
from uuid import UUID

import pytest
from cassandra.cluster import Session

from storage.errors import RefuseMigrationError, RetryLaterError, StopProcessError
from storage.migrate import migrate
from storage.migration_files import Migration, shipped
from storage.migration_lock import locked
from storage.session import connect
from storage.settings import CassandraSettings, Retention

pytestmark = pytest.mark.cassandra

ONE, OTHER = UUID(int=1, version=4), UUID(int=2, version=4)
NEXT = len(shipped()) + 1
READ_LIFE = (
    "SELECT default_time_to_live, compaction FROM system_schema.tables "
    "WHERE keyspace_name = %s AND table_name = %s"
)


def tables(session: Session, keyspace: str) -> set[str]:
    read = "SELECT table_name FROM system_schema.tables WHERE keyspace_name = %s"
    return {row.table_name for row in session.execute(read, (keyspace,))}


def life(session: Session, keyspace: str, table: str) -> tuple[int, str, str]:
    row = session.execute(READ_LIFE, (keyspace, table)).one()
    return row.default_time_to_live, row.compaction["compaction_window_size"], row.compaction["class"]


def test_a_fresh_keyspace_gets_everything_and_a_second_run_nothing(
    settings: CassandraSettings, cassandra_session: Session
) -> None:
    assert migrate(settings) == [m.name for m in shipped()]
    assert migrate(settings) == []
    shown = resources.files("storage").joinpath("schema.cql").read_text(encoding="utf-8")
    assert tables(cassandra_session, settings.keyspace) == set(re.findall(r"CREATE TABLE (\w+)", shown))


def test_a_new_migration_is_applied_on_top(settings: CassandraSettings, cassandra_session: Session) -> None:
    extra = Migration(NEXT, "0009_b", "CREATE TABLE IF NOT EXISTS b (k int PRIMARY KEY);")
    migrate(settings)
    assert migrate(settings, migrations=[*shipped(), extra]) == ["0009_b"]
    assert "b" in tables(cassandra_session, settings.keyspace)
    assert migrate(settings) == []  # an older program lives with it


def test_a_contraction_waits_until_asked_for_and_ends_the_life_beside_older_programs(
    settings: CassandraSettings, cassandra_session: Session
) -> None:
    newer = [
        *shipped(),
        Migration(NEXT, f"{NEXT:04}_contract_machines", "DROP TABLE IF EXISTS machines;"),
        Migration(NEXT + 1, f"{NEXT + 1:04}_c", "CREATE TABLE IF NOT EXISTS c (k int PRIMARY KEY);"),
    ]
    migrate(settings)
    assert migrate(settings, migrations=newer) == [newer[-1].name]
    assert {"machines", "c"} <= tables(cassandra_session, settings.keyspace)
    assert migrate(settings) == []
    assert migrate(settings, migrations=newer, contract=True) == [newer[-2].name]
    assert "machines" not in tables(cassandra_session, settings.keyspace)
    with pytest.raises(RefuseMigrationError, match="contract_machines, which this version does not know"):
        migrate(settings)


def test_a_changed_migration_is_refused_and_changes_nothing(
    settings: CassandraSettings, cassandra_session: Session
) -> None:
    migrate(settings)
    changed = [
        replace(m, text=m.text + "\nCREATE TABLE IF NOT EXISTS b (k int PRIMARY KEY);") for m in shipped()
    ]
    with pytest.raises(RefuseMigrationError, match="changed after it was applied"):
        migrate(settings, migrations=changed)
    assert "b" not in tables(cassandra_session, settings.keyspace)


def test_a_run_that_died_halfway_is_finished_by_the_next(
    settings: CassandraSettings, cassandra_session: Session
) -> None:
    broken = Migration(
        NEXT, "0009_b", "CREATE TABLE IF NOT EXISTS b (k int PRIMARY KEY); CREATE NONSENSE IF NOT EXISTS;"
    )
    migrate(settings)
    with pytest.raises(StopProcessError, match="NONSENSE"):
        migrate(settings, migrations=[*shipped(), broken])
    assert "b" in tables(cassandra_session, settings.keyspace)
    mended = replace(broken, text=broken.text.replace("CREATE NONSENSE IF NOT EXISTS;", ""))
    assert migrate(settings, migrations=[*shipped(), mended]) == ["0009_b"]


def test_runs_at_the_same_time_apply_each_migration_once(settings: CassandraSettings) -> None:
    applied, failed = [], []

    def run() -> None:
        try:
            applied.extend(migrate(settings))
        except Exception as error:  # noqa: BLE001 - shown by the assertion
            failed.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (applied, failed) == ([m.name for m in shipped()], [])


def test_a_held_lock_is_waited_for_and_then_named(settings: CassandraSettings) -> None:
    migrate(settings)
    with (
        connect(settings) as session,
        locked(session, settings.keyspace, ONE, patience_s=5),
        pytest.raises(RetryLaterError, match="another process"),
    ):
        migrate(settings, patience_s=0.3)
    assert migrate(settings, patience_s=0.3) == []


def test_a_process_that_lost_the_lock_records_nothing(settings: CassandraSettings) -> None:
    migrate(settings)
    with connect(settings) as session, locked(session, settings.keyspace, ONE, patience_s=5) as lock:
        session.execute(
            "UPDATE schema_migrations SET holder = %s WHERE scope = 'schema' IF holder = %s", (OTHER, ONE)
        )
        with pytest.raises(RetryLaterError, match="took the lock"):
            lock.record(Migration(NEXT, "0009_b", ""), 0)
        assert NEXT not in lock.applied()


def test_the_lives_of_rows_follow_the_settings(
    settings: CassandraSettings, cassandra_session: Session
) -> None:
    migrate(settings)
    assert life(cassandra_session, settings.keyspace, "scores")[:2] == (90 * 86_400, "3")
    migrate(settings.model_copy(update={"retention": Retention(scores=7, alarms=61)}))
    seconds, window, compaction = life(cassandra_session, settings.keyspace, "scores")
    assert (seconds, window) == (7 * 86_400, "1")
    assert compaction.endswith("TimeWindowCompactionStrategy")
    assert life(cassandra_session, settings.keyspace, "alarms_by_day")[:2] == (61 * 86_400, "3")


def test_another_replication_than_the_keyspace_has_is_refused(settings: CassandraSettings) -> None:
    migrate(settings)
    with pytest.raises(StopProcessError, match="replication"):
        migrate(settings.model_copy(update={"replication_factor": 2}))
