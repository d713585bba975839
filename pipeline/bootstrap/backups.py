"""The real places behind `fastdata storage`."""

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from ingest.group_offsets import committed, rewind
from ingest.tokens import Tokenizer, load_or_create_key
from pipeline import roster
from pipeline.backups import files, manifest
from pipeline.backups.files import Places
from pipeline.backups.manifest import Manifest, Rows
from pipeline.bootstrap.clocks import wall_ms
from pipeline.bootstrap.lags import groups, refuse_running
from pipeline.errors import FailCheckError, RefuseUsageError
from pipeline.settings import Settings
from storage.backup import keyspace, origin
from storage.backup.row_set import RowSet
from storage.migrate import migrate
from storage.schema import overview
from storage.session import connect

Report = Callable[[str], None]
Tables = dict[str, RowSet]

_TABLES = "tables"
_SCHEMA = "schema.cql"


def digest(settings: Settings) -> Tables:
    """Return the rows of each table, counted and summed up."""
    with connect(settings.cassandra) as session:
        return keyspace.digest(session, settings.cassandra.keyspace, wall_ms)


def backup(settings: Settings, folder: Path) -> Manifest:
    """Write a backup into a new or empty folder; the application may run meanwhile.

    Raises
    ------
    RefuseUsageError
        When the folder holds something.
    """
    if folder.exists() and any(folder.iterdir()):
        raise RefuseUsageError(f"{folder} is not empty: name a new folder")
    (folder / _TABLES).mkdir(parents=True, exist_ok=True)
    made_at, offsets = wall_ms(), _offsets(settings)
    with connect(settings.cassandra) as session:
        migrations = origin.applied(session)
        (folder / _SCHEMA).write_text(overview(session, settings.cassandra.keyspace), encoding="utf-8")
        tables = keyspace.export(session, settings.cassandra.keyspace, folder / _TABLES, wall_ms)
    files.save(_places(settings), folder)
    made = Manifest(
        made_at=made_at,
        version=version("fastdata"),
        keyspace=settings.cassandra.keyspace,
        migrations=migrations,
        tables={name: Rows(rows.rows, rows.digest) for name, rows in tables.items()},
        offsets=offsets,
        token_key=_token_key(settings),
        files=manifest.taken(folder),
    )
    manifest.write(folder, made)
    return made


def restore(settings: Settings, folder: Path, *, replace: bool, report: Report) -> Manifest:
    """Put a backup back; afterwards the keyspace holds its rows, checked by reading them again.

    Raises
    ------
    RefuseUsageError
        When the backup is damaged or of a later version, something runs, or there is something already and `replace`
        is not said; nothing was changed then.
    FailCheckError
        When the rows that are there afterwards are not those of the backup.
    """
    held = manifest.read(folder)
    origin.refuse_unknown(held.migrations)
    _refuse_other_key(settings, held)
    with roster.owned(settings.run_dir):
        refuse_running(settings)
        _refuse_differing(settings, folder, replace=replace)
        _refuse_filled(settings, replace=replace)
        migrate(settings.cassandra, contract=origin.was_contracted(held.migrations))
        tables = _load(settings, folder, held)
        for path in files.restore(_places(settings), folder):
            report(f"put back {path}")
        _rewind(settings, held, report)
    _refuse_wrong(digest(settings), tables)
    return held


def _refuse_filled(settings: Settings, *, replace: bool) -> None:
    name = settings.cassandra.keyspace
    with connect(settings.cassandra, use_keyspace=False) as session:
        filled = keyspace.filled(session, name)
    if filled and not replace:
        raise RefuseUsageError(
            f"the keyspace {name} holds rows already (in {', '.join(filled)}): --replace deletes them first"
        )


def _load(settings: Settings, folder: Path, held: Manifest) -> Tables:
    with connect(settings.cassandra) as session:
        keyspace.empty(session, keyspace.filled(session, settings.cassandra.keyspace))
        return keyspace.load(session, settings.cassandra, folder / _TABLES, list(held.tables), wall_ms)


def _refuse_wrong(there: Tables, wanted: Tables) -> None:
    if wrong := [name for name, rows in wanted.items() if there[name] != rows]:
        counts = ", ".join(f"{name}: {there[name].rows:,} rows of {wanted[name].rows:,}" for name in wrong)
        raise FailCheckError(f"not all rows are there as they were ({counts}): repeat it with --replace")


def _refuse_differing(settings: Settings, folder: Path, *, replace: bool) -> None:
    there = files.differing(_places(settings), folder)
    if there and not replace:
        names = ", ".join(map(str, there[:5]))
        raise RefuseUsageError(
            f"{len(there)} files differ from the backup's ({names}): --replace overwrites them"
        )


def _refuse_other_key(settings: Settings, held: Manifest) -> None:
    if held.token_key is not None and _token_key(settings) != held.token_key:
        raise RefuseUsageError(
            f"{settings.token_key} is not the key of the backup's card tokens: put that key there first (it is in no backup)"
        )


def _token_key(settings: Settings) -> str | None:
    if not settings.token_key.is_file():
        return None
    return Tokenizer(load_or_create_key(settings.token_key)).fingerprint


def _offsets(settings: Settings) -> dict[str, dict[str, dict[int, int]]]:
    found: dict[str, dict[str, dict[int, int]]] = {}
    for group, topic in groups(settings):
        found.setdefault(group, {})[topic] = committed(settings.kafka, group, topic)
    return found


def _rewind(settings: Settings, held: Manifest, report: Report) -> None:
    """Take writer and actors back to the backup, so that what came later is taken in again.

    Gateway and notifier stay where they are: what they have read was done, and their ledgers may be older.
    """
    for group, topic in groups(settings):
        if group not in {settings.writer.group, settings.actors.group}:
            continue
        before = committed(settings.kafka, group, topic)
        now = rewind(settings.kafka, group, topic, held.offsets.get(group, {}).get(topic, {}))
        again = sum(before.values()) - sum(now.values())
        if again:
            report(f"{group} takes {again:,} records of {topic} again")


def _places(settings: Settings) -> Places:
    ledgers = {"gateway.sqlite": settings.gateway.ledger, "notifier.sqlite": settings.notifier.ledger}
    return Places(settings.models_dir, settings.run_dir / "models", ledgers)
