"""Clocks that jump: the producer's, and each part's own."""

import time
from typing import Final

from pipeline.drill.rig import Rig

JUMP_S: Final = 600


def producer(rig: Rig) -> str:
    """Let the clock of the producer jump ten minutes ahead, and then ten minutes back."""
    for jump_s in (JUMP_S, -JUMP_S):
        with rig.load.turned(shift_ms=jump_s * 1_000):
            time.sleep(rig.spans.steady_s / 2)
    return "the producer's clock was ten minutes ahead, then ten minutes behind"


def part(name: str, rig: Rig) -> str:
    """Let the clock of one part jump ten minutes ahead, from there to ten minutes behind, and back."""
    for jump_s in (JUMP_S, -JUMP_S, 0):
        rig.turn_clock(name, jump_s)
        time.sleep(rig.spans.steady_s / 2 if jump_s else 0)
    return f"the clock of {name} was ten minutes ahead, then ten minutes behind"
