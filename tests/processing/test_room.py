"""Checkpoints need room: a query refuses to begin without it, and ends itself when it goes."""

import shutil
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from processing import room
from processing.errors import StopQueryError
from processing.progress import Watch, watch_queries
from processing.query import run_query
from processing.room import await_room, insist_on_room, lacking
from processing.settings import ProcessingSettings
from processing.steering import fixed
from processing.topics import Topics

MORE_THAN_ANY_MB = 10**9
NO_TOPICS = Topics("nobody:1", sources={}, partitions={}, features="", scores="", alerts="", dead_letters="")


@given(free=st.integers(0, 2**50), least=st.integers(1, 2**20))
def test_what_lacks_is_said_with_both_numbers(free: int, least: int) -> None:
    said = lacking(free, least)
    assert (said is None) == (free >= least << 20)
    assert said is None or (f"{free >> 20:,} MB free" in said and f"{least:,} are needed" in said)


def test_a_missing_folder_is_made_and_has_room(tmp_path: Path) -> None:
    insist_on_room(tmp_path / "new" / "checkpoints", 1)
    assert (tmp_path / "new" / "checkpoints").is_dir()


def test_a_folder_that_can_not_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StopQueryError, match="can't be used"):
        insist_on_room(tmp_path / "file" / "checkpoints", 1)


def test_a_query_does_not_begin_without_room(tmp_path: Path) -> None:
    settings = ProcessingSettings(checkpoint_dir=tmp_path, checkpoint_free_mb=MORE_THAN_ANY_MB)
    with pytest.raises(StopQueryError, match=r"1,000,000,000 are needed \(processing.checkpoint_free_mb\)"):
        run_query(
            settings,
            NO_TOPICS,
            fixed([]),
            java=tmp_path / "there-is-no-java",
            jars=[],
            stop=threading.Event(),
            until_idle=False,
            watch=Watch(lambda _: None, dict),
            report=lambda _: None,
        )


def test_whoever_waits_for_room_goes_on_when_there_is_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = iter([0, 0, 200 << 20])
    monkeypatch.setattr(room, "_LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=next(free)))
    with capture_logs() as said:
        await_room(tmp_path, 100, threading.Event())
    assert next(free, None) is None
    assert [line["event"] for line in said] == ["waiting for room"]


def test_whoever_waits_for_room_can_be_stopped(tmp_path: Path) -> None:
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    await_room(tmp_path, MORE_THAN_ANY_MB, stop)
    assert stop.is_set()


def test_running_queries_end_when_the_room_goes(tmp_path: Path) -> None:
    filling = iter([1, 1, MORE_THAN_ANY_MB])
    with pytest.raises(StopQueryError, match="free some space"):
        watch_queries(
            [],
            threading.Event(),
            until_idle=False,
            watch=Watch(lambda _: None, dict),
            insist=lambda: insist_on_room(tmp_path, next(filling)),
        )
