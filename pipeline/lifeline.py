"""The child's side of supervision: stop when asked, report what happens, and never outlive the parent.

The parent holds the other end of the child's standard input. When it closes, however the parent died, the
child stops; if it has not stopped in time it kills its own process group, a JVM it started included. A line
through it calls a standby to its work.
"""

import json
import os
import signal
import threading
from collections.abc import Callable
from typing import Any, Final

STDIN: Final = 0


def stop_on_signals(stop: threading.Event) -> None:
    """Set `stop` on SIGTERM and SIGINT (main thread only)."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())


def stop_event() -> threading.Event:
    """Return an event that SIGTERM and SIGINT set from now on (main thread only)."""
    stop = threading.Event()
    stop_on_signals(stop)
    return stop


def stop_with_parent(stop: threading.Event, grace_s: float) -> threading.Event:
    """Watch the lifeline in a daemon thread; return the event that is set when the parent calls.

    Parameters
    ----------
    grace_s
        Time for a clean stop, in seconds.
    """
    called = threading.Event()
    threading.Thread(target=_watch, args=(stop, called, grace_s), name="lifeline", daemon=True).start()
    return called


def _watch(stop: threading.Event, called: threading.Event, grace_s: float) -> None:
    while os.read(STDIN, 1024):
        called.set()
    stop.set()
    threading.Event().wait(grace_s)
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(1)


def reporter(fd: int) -> Callable[[dict[str, Any]], None]:
    """Return a function that sends one status message to the parent; a parent that is gone hears nothing."""
    os.set_inheritable(fd, False)  # noqa: FBT003 (the call takes it by position only)

    def report(status: dict[str, Any]) -> None:
        try:
            os.write(fd, json.dumps(status).encode() + b"\n")
        except BrokenPipeError:
            return

    return report
