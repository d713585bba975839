"""Supervision of real small processes: readiness, restart, clean stop, no orphan after the parent's kill."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from pipeline import roster
from pipeline.children import LogLimits, Spec, Supervisor
from pipeline.errors import RefuseUsageError
from pipeline.supervision import Phase, Policy

PATIENCE_S = 30.0

CHILD = """
import sys, threading
from pipeline import lifeline
stop = threading.Event()
lifeline.stop_on_signals(stop)
lifeline.stop_with_parent(stop, grace_s=0.5)
report = lifeline.reporter(int(sys.argv[-1]))
print("hello from the child", flush=True)
report({"ready": True, "seen": 3})
"""
ENDLESS = CHILD + "stop.wait()\nprint('clean end', flush=True)\n"
DEAF = CHILD + "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nthreading.Event().wait()\n"
WITH_GRANDCHILD = (
    CHILD
    + "import subprocess\np = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    + "report({'grandchild': p.pid})\nthreading.Event().wait()\n"
)
STANDING_BY = """
import os, sys, threading
from pipeline import lifeline
stop = threading.Event()
lifeline.stop_on_signals(stop)
called = lifeline.stop_with_parent(stop, grace_s=0.5)
report = lifeline.reporter(int(sys.argv[-1]))
if "--standby" in sys.argv:
    report({"standing_by": True})
    while not (called.wait(0.02) or stop.is_set()):
        pass
if not stop.is_set():
    print("works as", os.getpid(), flush=True)
    report({"ready": True})
    stop.wait()
"""
"""A part that can stand by."""

FAILING_STANDBY = "import sys\nif '--standby' in sys.argv: raise SystemExit(7)\n" + ENDLESS


class Rig:
    """A supervisor over scripts, and what it reported."""

    def __init__(self, where: Path, policy: Policy) -> None:
        self.where = where
        self.policy = policy
        self.lines: list[tuple[str, str]] = []
        self.supervisor: Supervisor

    def watch(
        self,
        *scripts: str,
        finishes: bool = False,
        max_bytes: int = 100_000,
        standby_after_s: float | None = None,
    ) -> "Rig":
        specs = [
            Spec(
                f"c{n}",
                (sys.executable, "-u", "-c", script),
                self.where / f"c{n}.log",
                finishes=finishes,
                standby_after_s=standby_after_s,
            )
            for n, script in enumerate(scripts)
        ]
        self.supervisor = Supervisor(
            specs,
            self.policy,
            LogLimits(max_bytes, 1),
            environment=os.environ,
            record=self.where / "children.json",
            clock=time.monotonic,
            report=lambda name, line: self.lines.append((name, line)),
        )
        return self

    def until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < deadline, self.lines
            self.supervisor.step()
            time.sleep(0.02)

    def pid(self, name: str) -> int:
        return roster.orphans(self.where / "children.json")[name]

    def end(self) -> None:
        self.supervisor.stop()
        self.until(lambda: self.supervisor.over)


@pytest.fixture
def policy() -> Policy:
    return Policy(
        first_delay_s=0.1, max_delay_s=0.2, budget=3, window_s=60.0, ready_timeout_s=20.0, grace_s=3.0
    )


@pytest.fixture
def rig(tmp_path: Path, policy: Policy) -> Rig:
    return Rig(tmp_path, policy)


def test_a_child_gets_ready_is_logged_and_stops_cleanly(rig: Rig) -> None:
    rig.watch(ENDLESS)
    rig.until(lambda: rig.supervisor.phases == {"c0": Phase.READY})
    assert rig.supervisor.statuses["c0"] == {"ready": True, "seen": 3}
    rig.end()
    assert rig.supervisor.phases == {"c0": Phase.DONE}
    assert (rig.where / "c0.log").read_text().splitlines() == ["hello from the child", "clean end"]
    assert roster.orphans(rig.where / "children.json") == {}


def test_a_killed_child_is_started_again(rig: Rig) -> None:
    rig.watch(ENDLESS)
    rig.until(lambda: rig.supervisor.phases == {"c0": Phase.READY})
    first = rig.pid("c0")
    os.kill(first, signal.SIGKILL)
    rig.until(lambda: any("killed by SIGKILL, starting again" in line for _, line in rig.lines))
    rig.until(lambda: rig.supervisor.phases == {"c0": Phase.READY})
    assert rig.pid("c0") != first
    rig.end()


def test_a_child_that_always_crashes_spends_its_budget_while_the_other_goes_on(rig: Rig) -> None:
    rig.watch("raise SystemExit(7)", ENDLESS)
    rig.until(lambda: rig.supervisor.phases == {"c0": Phase.FAILED, "c1": Phase.READY})
    ends = [line for name, line in rig.lines if name == "c0" and "ended with status 7" in line]
    assert len(ends) == rig.policy.budget + 1
    assert not rig.supervisor.over
    rig.end()


def test_a_child_that_may_finish_is_done_by_exit_0(rig: Rig) -> None:
    rig.watch("print('work')", finishes=True)
    rig.until(lambda: rig.supervisor.over)
    assert rig.supervisor.phases == {"c0": Phase.DONE}


def test_a_child_that_ignores_the_request_is_killed(rig: Rig) -> None:
    rig.watch(DEAF)
    rig.until(lambda: rig.supervisor.phases == {"c0": Phase.READY})
    rig.supervisor.stop()
    rig.until(lambda: rig.supervisor.over)
    assert ("c0", "did not stop in time, killing it") in rig.lines


def test_what_a_child_started_does_not_outlive_it(rig: Rig) -> None:
    rig.watch(WITH_GRANDCHILD)
    rig.until(lambda: "grandchild" in rig.supervisor.statuses["c0"])
    grandchild = psutil.Process(int(rig.supervisor.statuses["c0"]["grandchild"]))
    os.kill(rig.pid("c0"), signal.SIGKILL)
    rig.until(lambda: any("killed by SIGKILL" in line for _, line in rig.lines))
    assert _gone(grandchild)
    rig.end()


def test_a_log_never_outgrows_its_limit(rig: Rig) -> None:
    rig.watch("for n in range(5000): print('x' * 100)", finishes=True, max_bytes=20_000)
    rig.until(lambda: rig.supervisor.over)
    files = sorted(rig.where.glob("c0.log*"))
    assert [file.name for file in files] == ["c0.log", "c0.log.1"]
    assert all(file.stat().st_size <= 20_000 for file in files)


def test_a_standby_takes_over_at_once_and_another_stands_by(rig: Rig) -> None:
    rig.watch(STANDING_BY, standby_after_s=0.0)
    rig.until(lambda: rig.supervisor.standbys == {"c0-standby": Phase.READY})
    first, second = rig.pid("c0"), rig.pid("c0-standby")
    os.kill(first, signal.SIGKILL)
    rig.until(lambda: ("c0", f"its standby, process {second}, takes over") in rig.lines)
    rig.until(lambda: rig.supervisor.phases == {"c0": Phase.READY})
    assert rig.pid("c0") == second
    rig.until(lambda: rig.supervisor.standbys == {"c0-standby": Phase.READY})
    third = rig.pid("c0-standby")
    assert len({first, second, third}) == 3
    rig.end()
    assert (rig.where / "c0.log").read_text().splitlines() == [f"works as {first}", f"works as {second}"]
    assert roster.orphans(rig.where / "children.json") == {}


def test_a_standby_that_does_not_work_out_harms_nobody(rig: Rig) -> None:
    rig.watch(FAILING_STANDBY, standby_after_s=0.0)
    rig.until(lambda: rig.supervisor.standbys == {"c0-standby": Phase.FAILED})
    assert rig.supervisor.phases == {"c0": Phase.READY}
    assert rig.supervisor.crashes == {"c0": 0}
    os.kill(rig.pid("c0"), signal.SIGKILL)
    rig.until(lambda: rig.supervisor.crashes == {"c0": 1})
    rig.until(lambda: rig.supervisor.phases == {"c0": Phase.READY})
    rig.end()


def test_no_standby_is_left_of_a_child_that_was_ended(rig: Rig) -> None:
    rig.watch(STANDING_BY, ENDLESS, standby_after_s=0.0)
    rig.until(lambda: rig.supervisor.standbys.get("c0-standby") is Phase.READY)
    standby = psutil.Process(rig.pid("c0-standby"))
    rig.supervisor.end("c0")
    rig.until(lambda: rig.supervisor.phases["c0"] is Phase.DONE)
    assert not standby.is_running()
    rig.supervisor.begin(Spec("c0", (sys.executable, "-c", ENDLESS), rig.where / "c0.log"))
    rig.until(lambda: rig.supervisor.phases["c0"] is Phase.READY)
    rig.end()


def test_a_standby_ends_with_a_child_that_has_spent_its_budget(rig: Rig) -> None:
    refusing = STANDING_BY + "raise SystemExit(2)\n"
    rig.watch(refusing.replace("stop.wait()", "stop.wait(1.0)"), standby_after_s=0.0)
    rig.until(lambda: rig.supervisor.standbys == {"c0-standby": Phase.READY})
    standby = psutil.Process(rig.pid("c0-standby"))
    rig.until(lambda: rig.supervisor.phases == {"c0": Phase.FAILED})
    assert not standby.is_running()
    assert rig.supervisor.over


PARENT = """
import os, sys, time
from pathlib import Path
from pipeline.children import LogLimits, Spec, Supervisor
from pipeline.supervision import Phase, Policy
where, child = Path(sys.argv[1]), sys.argv[2]
policy = Policy(first_delay_s=1, max_delay_s=1, budget=1, window_s=9, ready_timeout_s=20, grace_s=3)
supervisor = Supervisor([Spec("c", (sys.executable, "-c", child), where / "c.log")], policy, LogLimits(9999, 1),
    environment=os.environ, record=where / "children.json", clock=time.monotonic, report=lambda name, line: None)
while supervisor.phases["c"] is not Phase.READY:
    supervisor.step()
    time.sleep(0.02)
print("ready", flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("script", [ENDLESS, DEAF], ids=["polite", "deaf"])
def test_no_child_outlives_the_kill_of_its_parent(tmp_path: Path, script: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path), script], stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ready\n"
        child = psutil.Process(roster.orphans(tmp_path / "children.json")["c"])
        parent.kill()
    assert _gone(child)


def test_orphans_of_an_earlier_run_are_found_and_stopped(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True
    ) as left:
        roster.write(tmp_path / "children.json", {"query": left.pid})
        lines: list[str] = []
        roster.end_orphans(tmp_path / "children.json", 5.0, lines.append)
        assert not psutil.pid_exists(left.pid)
    assert lines == [f"query: left behind by an earlier run as process {left.pid}, stopping it"]


def test_a_reused_process_id_is_not_taken_for_an_orphan(tmp_path: Path) -> None:
    (tmp_path / "children.json").write_text(f'{{"query": [{os.getpid()}, 12345.0]}}')
    assert roster.orphans(tmp_path / "children.json") == {}


def test_one_run_owns_a_directory(tmp_path: Path) -> None:
    with (
        roster.owned(tmp_path),
        pytest.raises(RefuseUsageError, match=f"another run \\(process {os.getpid()}\\)"),
        roster.owned(tmp_path),
    ):
        pass
    with roster.owned(tmp_path):
        assert (tmp_path / "run.lock").read_text() == str(os.getpid())


def _gone(process: psutil.Process) -> bool:
    gone, _alive = psutil.wait_procs([process], timeout=PATIENCE_S)
    return bool(gone)


def test_the_kill_at_the_end_leaves_nothing(rig: Rig) -> None:
    rig.watch(DEAF)
    rig.until(lambda: rig.supervisor.phases == {"c0": Phase.READY})
    process = psutil.Process(rig.pid("c0"))
    rig.supervisor.kill()
    rig.supervisor.stop()
    rig.until(lambda: rig.supervisor.over)
    assert _gone(process)
