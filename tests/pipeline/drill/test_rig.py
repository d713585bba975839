"""Signals and waits of the rig on real processes."""

import os
import signal
import subprocess
import sys

import pytest

from pipeline.drill import rig
from pipeline.drill.rig import GiveUpFaultError, await_end, kill, signal_all, until

SLEEPING = [sys.executable, "-c", "import time; time.sleep(600)"]


def test_the_end_of_an_own_child_is_seen_and_left_to_be_reaped() -> None:
    with subprocess.Popen(SLEEPING, start_new_session=True) as child:
        assert not await_end([child.pid], 0.1)
        kill(child.pid)
        assert await_end([child.pid], 60)
        assert os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT) is not None
        assert child.wait() == -signal.SIGKILL


def test_a_group_is_stopped_and_goes_on_but_never_the_own_one() -> None:
    with subprocess.Popen(SLEEPING, start_new_session=True) as child:
        signal_all(child.pid, signal.SIGSTOP)
        stopped = os.waitid(os.P_PID, child.pid, os.WSTOPPED)
        assert stopped is not None
        assert stopped.si_status == signal.SIGSTOP
        signal_all(child.pid, signal.SIGKILL)
    with pytest.raises(GiveUpFaultError, match="own group"):
        signal_all(os.getpid(), signal.SIGSTOP)


def test_what_never_holds_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rig, "LOOK_S", 0.0)
    answers = iter([False, True])
    until(lambda: next(answers), "the second answer")
    with pytest.raises(GiveUpFaultError, match="for a miracle"):
        until(lambda: False, "a miracle", 0.01)
