"""Commit logs of Cassandra that a full disk kept from being begun: told from all others, and by the real server."""

import os
import signal
import struct
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from cassandra.cluster import Cluster
from hypothesis import given
from hypothesis import strategies as st

from infra import embedded
from infra.embedded import EmbeddedSettings, blank_logs, up
from infra.embedded.cassandra import commit_logs
from infra.embedded.state import read_state
from ingest.admin import broker_count
from storage.session import joined_count

Guarded = Callable[[EmbeddedSettings], AbstractContextManager[EmbeddedSettings]]
WORDS = "CommitLogReadException: Could not read commit log descriptor in file {}"
WHOLE = struct.pack(">iqH", 8, 7, 2) + b"{}" + b"\0" * 4


@given(length=st.integers(0, len(WHOLE) - 1), zeros=st.integers(0, 5_000))
def test_logs_without_a_beginning_are_put_aside_and_no_others(
    tmp_path_factory: pytest.TempPathFactory, length: int, zeros: int
) -> None:
    folder = tmp_path_factory.mktemp("logs")
    whole = {"CommitLog-8-7.log": WHOLE, "CommitLog-8-8.log": WHOLE + bytes(zeros), "other.log": b""}
    blank = {"CommitLog-8-9.log": WHOLE[:length], "CommitLog-8-10.log": bytes(zeros)}
    for name, data in (whole | blank).items():
        (folder / name).write_bytes(data)
    told = blank_logs.put_aside(WORDS.format(folder / "CommitLog-8-9.log"), folder, folder / "kept")
    assert told
    assert all(name in told for name in blank)
    assert {log.name: log.read_bytes() for log in folder.glob("*.log")} == whole
    assert {log.name: log.read_bytes() for log in (folder / "kept").iterdir()} == blank


@pytest.mark.parametrize(
    ("words", "data"), [("ran out of memory", b""), (WORDS.format("CommitLog-8-9.log"), WHOLE)]
)
def test_nothing_is_touched_where_that_is_not_what_is_wrong(tmp_path: Path, words: str, data: bytes) -> None:
    log = tmp_path / "CommitLog-8-9.log"
    log.write_bytes(data)
    assert blank_logs.put_aside(words, tmp_path, tmp_path / "kept") is None
    assert log.read_bytes() == data


@pytest.mark.cassandra
def test_a_cassandra_whose_disk_was_full_when_it_began_a_log_starts_with_its_data(
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
        (commit_logs(node) / "CommitLog-8-7.log").write_bytes(bytes(1 << 20))
        (commit_logs(node) / "CommitLog-8-8.log").touch()

        with started() as cluster:
            assert [row.k for row in cluster.connect().execute("SELECT k FROM kept.t")] == [1]
    assert any("CommitLog-8-7.log, CommitLog-8-8.log" in line for line in told)
