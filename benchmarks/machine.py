"""How fast the machine is while something is measured on it: a loop of one length, timed again and again.

A shared machine is slower at times, which no load average of its own tells; the loop does.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Final

ADDITIONS: Final = 500_000
EVERY_S: Final = 10.0


@contextmanager
def timed_loop() -> Iterator[Callable[[], str]]:
    """Time the loop as long as the block runs; yield what says how long it took, in milliseconds of CPU."""
    over, took_ms = threading.Event(), [_loop_ms()]

    def work() -> None:
        while not over.wait(EVERY_S):
            took_ms.append(_loop_ms())

    thread = threading.Thread(target=work, name="loop", daemon=True)
    thread.start()
    try:
        yield (
            lambda: (
                f"{ADDITIONS:,} additions in a Python loop, every {EVERY_S:g} s: median {median(took_ms):.0f}, "
                f"fastest {min(took_ms):.0f}, slowest {max(took_ms):.0f} ms of CPU"
            )
        )
    finally:
        over.set()
        thread.join()


def _loop_ms() -> float:
    begun, total = time.thread_time(), 0
    for number in range(ADDITIONS):
        total += number
    return (time.thread_time() - begun) * 1_000
