"""The watcher beside a run: it sees the end, waits through outages, and hands a bug to whoever runs."""

import itertools
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ingest.errors import RetryLaterError
from pipeline import running
from pipeline.children import LogLimits, Spec, Supervisor
from pipeline.drain import Look
from pipeline.errors import StopProcessError
from pipeline.running import Watched, Watcher
from pipeline.supervision import Phase, Policy

PATIENCE_S = 30.0
QUIET = Look(query_done=True, lags={"writer": 0}, ends={"scores": 5})
BUSY = Look(query_done=True, lags={"writer": 2}, ends={"scores": 5})


def looking(*looks: Look | Exception) -> Callable[[], Look]:
    """Return a function that gives these in turn, the last one for ever."""
    coming: Iterator[Look | Exception] = itertools.chain(looks, itertools.repeat(looks[-1]))

    def look() -> Look:
        now = next(coming)
        if isinstance(now, Exception):
            raise now
        return now

    return look


def watcher(look: Callable[[], Look] | None, keep: Callable[[], None] = lambda: None) -> Watcher:
    return Watcher(Watched(every_s=0.01, keep_servers=keep, look=look))


def test_two_quiet_looks_in_a_row_are_the_end() -> None:
    with watcher(looking(QUIET, BUSY, QUIET, QUIET)) as watching:
        assert watching.drained.wait(PATIENCE_S)
        assert watching.waiting == "nothing"


def test_an_outage_between_two_quiet_looks_starts_over() -> None:
    with watcher(looking(QUIET, RetryLaterError("away"), QUIET, BUSY)) as watching:
        assert not watching.drained.wait(0.5)
        assert watching.waiting == "writer 2"
        assert watching.failure is None


def test_servers_are_looked_after_even_where_nobody_waits_for_the_end() -> None:
    looked_after = threading.Event()
    with watcher(None, looked_after.set):
        assert looked_after.wait(PATIENCE_S)


def supervisor(where: Path, script: str) -> Supervisor:
    return Supervisor(
        [Spec("c", (sys.executable, "-c", script), where / "c.log")],
        Policy(first_delay_s=0.1, max_delay_s=0.1, budget=1, window_s=60, ready_timeout_s=20, grace_s=5),
        LogLimits(10_000, 1),
        environment=os.environ,
        record=where / "children.json",
        clock=time.monotonic,
        report=lambda _name, _line: None,
    )


SLEEPING = "import time; time.sleep(600)"


def test_a_run_ends_when_all_is_drained_and_its_children_are_gone(tmp_path: Path) -> None:
    children = supervisor(tmp_path, SLEEPING)
    with watcher(looking(QUIET)) as watching:
        running.run(children, watching, threading.Event())
    assert children.phases == {"c": Phase.DONE}


def test_a_bug_in_the_watcher_ends_the_run_after_its_children(tmp_path: Path) -> None:
    children = supervisor(tmp_path, SLEEPING)
    with watcher(looking(ZeroDivisionError("bug"))) as watching, pytest.raises(ZeroDivisionError):
        running.run(children, watching, threading.Event())
    assert children.over


def test_a_child_that_can_not_go_on_ends_the_run_by_name(tmp_path: Path) -> None:
    children = supervisor(tmp_path, "raise SystemExit(9)")
    with watcher(None) as watching, pytest.raises(StopProcessError, match="c can't go on"):
        running.run(children, watching, threading.Event())
    assert children.phases == {"c": Phase.FAILED}
