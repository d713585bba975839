"""The manifest and the files of a backup: torn and changed ones are refused, ledgers never forget."""

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from pipeline.backups import files, manifest
from pipeline.backups.files import Places
from pipeline.backups.manifest import Manifest, Rows
from pipeline.errors import RefuseUsageError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "backup"
    (folder / "tables").mkdir(parents=True)
    (folder / "tables" / "scores.parquet").write_bytes(b"rows")
    (folder / "schema.cql").write_bytes(b"")
    return folder


def made(folder: Path) -> Manifest:
    return Manifest(
        made_at=1, version="1", keyspace="k", migrations={1: "abc"}, tables={"scores": Rows(3, "d")},
        offsets={"writer": {"scores": {0: 7}}}, token_key=None, files=manifest.taken(folder),
    )  # fmt: skip


def test_a_manifest_is_read_as_it_was_written(folder: Path) -> None:
    manifest.write(folder, made(folder))
    assert manifest.read(folder) == made(folder)
    assert set(made(folder).files) == {"schema.cql", "tables/scores.parquet"}
    assert made(folder).bytes == 4


def test_a_backup_that_was_not_finished_is_none(folder: Path) -> None:
    with pytest.raises(RefuseUsageError, match="not finished"):
        manifest.read(folder)


@pytest.mark.parametrize("content", [b"rowz", b"row", None])
def test_a_changed_or_missing_file_is_named(folder: Path, content: bytes | None) -> None:
    manifest.write(folder, made(folder))
    path = folder / "tables" / "scores.parquet"
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    with pytest.raises(RefuseUsageError, match=r"damaged: tables/scores\.parquet"):
        manifest.read(folder)


def test_a_manifest_of_another_format_or_out_of_its_folder_is_refused(folder: Path) -> None:
    manifest.write(folder, msgspec.structs.replace(made(folder), format=2))
    with pytest.raises(RefuseUsageError, match="format 2"):
        manifest.read(folder)
    outside = folder.parent / "outside"
    outside.write_bytes(b"x")
    manifest.write(
        folder, msgspec.structs.replace(made(folder), files={"../outside": manifest.kept(outside)})
    )
    with pytest.raises(RefuseUsageError, match="outside"):
        manifest.read(folder)
    (folder / manifest.FILE).write_bytes(b"{")
    with pytest.raises(RefuseUsageError, match="damaged"):
        manifest.read(folder)


def ledger(path: Path, *commands: str) -> Path:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("create table if not exists effects (command_id text)")
        connection.executemany("insert into effects values (?)", [(command,) for command in commands])
    return path


def effects(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [command for (command,) in connection.execute("select command_id from effects")]


def test_files_go_out_and_back_and_a_ledger_that_is_there_stays(tmp_path: Path) -> None:
    places = Places(
        tmp_path / "models", tmp_path / "run" / "models", {"gateway.sqlite": tmp_path / "g.sqlite"}
    )
    for path in (places.models / "fraud" / "1.1.json", places.deployed / "fraud" / "deployment.json"):
        path.parent.mkdir(parents=True)
        path.write_text("{}")
    ledger(tmp_path / "g.sqlite", "c1")
    backup = tmp_path / "backup"
    backup.mkdir()
    files.save(places, backup)
    assert files.differing(places, backup) == []

    artifact = places.models / "fraud" / "1.1.json"
    artifact.write_text("changed")
    ledger(tmp_path / "g.sqlite", "c2")
    assert files.differing(places, backup) == [artifact]
    assert tmp_path / "g.sqlite" not in files.restore(places, backup)
    assert artifact.read_text() == "{}"
    assert effects(tmp_path / "g.sqlite") == ["c1", "c2"]

    (tmp_path / "g.sqlite").unlink()
    artifact.unlink()
    assert {tmp_path / "g.sqlite", artifact} <= set(files.restore(places, backup))
    assert effects(tmp_path / "g.sqlite") == ["c1"]
