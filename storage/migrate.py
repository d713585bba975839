"""Bringing a keyspace up to this version's schema."""

import time
from collections.abc import Callable, Sequence
from typing import Final
from uuid import UUID, uuid4

import structlog
from cassandra.cluster import Session

from storage.agreement import change
from storage.entity_layout import SEPARATE, layout_of
from storage.errors import StopProcessError
from storage.failures import mapped
from storage.migration_files import Migration, due, shipped, steps
from storage.migration_lock import MigrationLock, locked
from storage.retention import align
from storage.session import connect
from storage.settings import CassandraSettings

_LEAVES_ENTITY_STATE: Final = "0012_contract_entity_state"

_log = structlog.get_logger(__name__)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def migrate(
    settings: CassandraSettings,
    *,
    migrations: Sequence[Migration] | None = None,
    clock: Callable[[], int] = _now_ms,
    new_holder: Callable[[], UUID] = uuid4,
    patience_s: float = 120,
    contract: bool = False,
) -> list[str]:
    """Create the keyspace if needed, apply what is due, and return the names of what was applied.

    Runs at the same time wait for each other; a run that died is finished by the next one. The lives of
    rows (`settings.retention`) are carried over to the tables each time.

    Parameters
    ----------
    migrations
        Those of this package when None.
    clock
        Milliseconds since the epoch.
    new_holder
        Names this run; never the same twice.
    patience_s
        Seconds to wait for another process that is migrating.
    contract
        Apply contractions too: no older program is wanted any more. A new keyspace gets them in any case.

    Raises
    ------
    RefuseMigrationError
        An applied migration's text changed, or a newer program has contracted the keyspace.
    """
    known = shipped() if migrations is None else list(migrations)
    with connect(settings, use_keyspace=False) as session, mapped(f"migrating {settings.keyspace!r}"):
        _ensure_keyspace(session, settings)
        with locked(session, settings.keyspace, new_holder(), patience_s=patience_s) as lock:
            applied = lock.applied()
            missing = due(known, applied, contract=contract)
            for migration, todo in steps(missing, is_new=not applied):
                if migration.name == _LEAVES_ENTITY_STATE:
                    _move(session, settings, clock)
                _apply(session, lock, migration, todo, clock)
            for table in align(session, settings.keyspace, settings.retention):
                _log.info("life of rows changed", table=table)
    return [migration.name for migration in missing]


def _move(session: Session, settings: CassandraSettings, clock: Callable[[], int]) -> None:
    if layout_of(session, settings.keyspace) is SEPARATE:
        from storage.moving import move  # noqa: PLC0415 - what reads and writes backups is loaded by this alone

        move(session, settings, clock)


def _apply(
    session: Session, lock: MigrationLock, migration: Migration, todo: Sequence[str], clock: Callable[[], int]
) -> None:
    for statement in todo:
        lock.extend()
        change(session, statement)
    lock.record(migration, clock())
    _log.info("migration applied", name=migration.name)


def _ensure_keyspace(session: Session, settings: CassandraSettings) -> None:
    wanted = {settings.local_dc: str(settings.replication_factor)}
    options = ", ".join(f"'{dc}': {factor}" for dc, factor in wanted.items())
    change(
        session,
        f"CREATE KEYSPACE IF NOT EXISTS {settings.keyspace} "
        f"WITH replication = {{'class': 'NetworkTopologyStrategy', {options}}}",
    )
    session.set_keyspace(settings.keyspace)
    read = "SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = %s"
    held = dict(session.execute(read, (settings.keyspace,)).one().replication)
    if held.get(settings.local_dc) != wanted[settings.local_dc]:
        raise StopProcessError(
            f"the keyspace {settings.keyspace!r} has replication {held}, the settings ask for {wanted}: change the "
            "settings, or alter the keyspace and repair it"
        )
