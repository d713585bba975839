"""Clocks that jump."""

import time
from typing import Final

from pipeline.drill.rig import Rig, SkipFaultError

JUMP_MS: Final = 600_000


def producer(rig: Rig) -> str:
    """Let the clock of the producer jump ten minutes ahead, and then ten minutes back."""
    for jump in (JUMP_MS, -JUMP_MS):
        with rig.load.turned(shift_ms=jump):
            time.sleep(rig.spans.steady_s / 2)
    return "the producer's clock was ten minutes ahead, then ten minutes behind"


def parts(_rig: Rig) -> str:
    """Say why no other clock jumps."""
    raise SkipFaultError("a part takes its time from the machine: no setting moves one process's clock alone")
