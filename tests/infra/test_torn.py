"""A commit log of Cassandra that ends amid a write: cut where it has to be, and only there; and by the real server."""

import os
import signal
import struct
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from cassandra.cluster import Cluster
from hypothesis import given
from hypothesis import strategies as st

from infra import embedded
from infra.embedded import EmbeddedSettings, torn, up
from infra.embedded.cassandra import commit_logs
from infra.embedded.state import read_state
from ingest.admin import broker_count
from storage.session import joined_count

Guarded = Callable[[EmbeddedSettings], AbstractContextManager[EmbeddedSettings]]
WORDS = "Encountered bad header at position {} of commit log {}, with bad position but valid CRC"


def tear(log: Path, missing: int) -> int:
    """Begin a section as Cassandra does and leave out its last bytes; return where it begins."""
    position, segment = log.stat().st_size, int(log.stem.split("-")[-1])
    crc = zlib.crc32(struct.pack(">III", segment & 0xFFFFFFFF, segment >> 32, position))
    with log.open("ab") as file:
        file.write(struct.pack(">II", position + 108 + missing, crc) + b"x" * 100)
    return position


@given(before=st.binary(max_size=300), missing=st.integers(1, 1_000))
def test_what_was_written_before_stays_and_the_rest_is_kept_aside(
    tmp_path_factory: pytest.TempPathFactory, before: bytes, missing: int
) -> None:
    folder = tmp_path_factory.mktemp("logs")
    log = folder / "CommitLog-8-1795988780805.log"
    log.write_bytes(before)
    position = tear(log, missing)
    whole = log.read_bytes()
    assert torn.mend(WORDS.format(position, log), folder, folder / "torn")
    assert log.read_bytes() == before
    assert before + (folder / "torn" / f"{log.name}.{position}").read_bytes() == whole


def test_nothing_else_is_touched(tmp_path: Path) -> None:
    log, elsewhere = tmp_path / "CommitLog-8-7.log", tmp_path / "elsewhere" / "CommitLog-8-8.log"
    elsewhere.parent.mkdir()
    for each in (log, elsewhere):
        each.write_bytes(struct.pack(">IIIHHI", 108, 0, 7, 2, 0x7B7D, 0) + b"x" * 88)
    kept = tmp_path / "torn"
    for words in (
        WORDS.format(0, log),  # its section is as long as it says
        WORDS.format(108, log),
        WORDS.format(0, elsewhere),
        WORDS.format(0, tmp_path / "CommitLog-8-9.log"),
        f"Encountered bad header at position 0 of commit log {log}, with invalid CRC",
        "Could not read commit log descriptor in file CommitLog-8-7.log",
        "ran out of memory",
    ):
        assert torn.mend(words, tmp_path, kept) is None
    assert log.stat().st_size == elsewhere.stat().st_size == 108
    assert not kept.exists()


@given(length=st.integers(0, 19))
def test_logs_that_were_only_begun_are_put_aside(
    tmp_path_factory: pytest.TempPathFactory, length: int
) -> None:
    folder = tmp_path_factory.mktemp("logs")
    whole = struct.pack(">iqH", 8, 7, 2) + b"{}" + b"\0" * 4
    kept = {"CommitLog-8-7.log": whole, "CommitLog-8-8.log": whole + b"section"}
    begun = {"CommitLog-8-9.log": whole[:length], "CommitLog-8-10.log": b""}
    for name, data in (kept | begun).items():
        (folder / name).write_bytes(data)
    assert torn.mend(
        f"Could not read commit log descriptor in file {folder}/CommitLog-8-9.log", folder, folder / "torn"
    )
    assert {log.name: log.read_bytes() for log in folder.glob("*.log")} == kept
    assert {log.name: log.read_bytes() for log in (folder / "torn").iterdir()} == begun


@pytest.mark.cassandra
def test_a_cassandra_that_was_torn_off_amid_a_write_starts_with_all_that_it_had_acknowledged(
    tmp_path: Path, guarded: Guarded, cassandra_driver: Callable[[tuple[str, ...], int], Cluster]
) -> None:
    told: list[str] = []
    with guarded(EmbeddedSettings(state_dir=tmp_path, kafka_heap_mb=128, cassandra_heap_mb=256)) as settings:

        def started() -> Cluster:
            found = up(settings, kafka_brokers=broker_count, cassandra_nodes=joined_count, report=told.append)
            return cassandra_driver(found.cassandra_contact_points, found.cassandra_port)

        with started() as cluster:
            session = cluster.connect()
            session.execute(
                "CREATE KEYSPACE kept WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}"
            )
            session.execute("CREATE TABLE kept.t (k int PRIMARY KEY)")
            session.execute("INSERT INTO kept.t (k) VALUES (1)")
        pid = embedded.pids(settings)["cassandra-1"]
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        state = read_state(settings.state_dir)
        assert state is not None
        [node] = [node for node in state.all_nodes(settings.state_dir) if node.kind == "cassandra"]
        log = max(commit_logs(node).glob("CommitLog-*.log"), key=lambda log: log.stat().st_size)
        tear(log, 500)
        (log.parent / "CommitLog-8-7.log").touch()

        with started() as cluster:
            assert [row.k for row in cluster.connect().execute("SELECT k FROM kept.t")] == [1]
    assert any(log.name in line and "never acknowledged" in line for line in told)
    assert any("CommitLog-8-7.log" in line and "held nothing" in line for line in told)
