"""SIGSTOP and, later, SIGCONT: a part that was given up for dead comes back as a zombie and must be fenced."""

import signal
import time
from collections.abc import Sequence

from pipeline.drill.faults.kills import name_of
from pipeline.drill.rig import Rig, pid_of, signal_all


def stop(what: str, rig: Rig) -> str:
    """Stop it, and what it has started, for `stop_s`."""
    name = name_of(what, rig)
    held([name], rig, rig.spans.stop_s)
    return f"stopped {name} for {rig.spans.stop_s:.0f} s"


def held(names: Sequence[str], rig: Rig, seconds: float) -> None:
    """Hold processes for some seconds."""
    pids = [pid_of(rig, name) for name in names]
    for pid in pids:
        signal_all(pid, signal.SIGSTOP)
    try:
        time.sleep(seconds)
    finally:
        for pid in pids:
            signal_all(pid, signal.SIGCONT)
