"""An answer that is good for a while: what many ask is looked up once."""

import threading
from collections.abc import Callable
from typing import TypeVar

from ingest.ports import Clock

T = TypeVar("T")


def recently(ask: Callable[[], T], clock: Clock, lasts_ms: int) -> Callable[[], T]:
    """Return a function that asks only when its last answer is older than this (milliseconds); for several threads."""
    lock = threading.Lock()
    known: list[tuple[int, T]] = []

    def answer() -> T:
        with lock:
            if not known or clock() - known[0][0] >= lasts_ms:
                known[:] = [(clock(), ask())]
            return known[0][1]

    return answer
