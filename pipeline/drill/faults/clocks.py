"""Clocks that jump: the producer's, and each part's own."""

import time
from typing import Final

from pipeline.drill.part_clocks import SEEN_S, PartClocks
from pipeline.drill.rig import GiveUpFaultError, Rig, SkipFaultError, await_end, kill, pid_of, until

JUMP_S: Final = 600
END_S: Final = 30.0
CALM_S: Final = 1.0
STARTS: Final = 3
"""Starts until a part has a clock that can be turned: a standby that takes over was started before."""


def producer(rig: Rig) -> str:
    """Let the clock of the producer jump ten minutes ahead, and then ten minutes back."""
    for jump_s in (JUMP_S, -JUMP_S):
        with rig.load.turned(shift_ms=jump_s * 1_000):
            time.sleep(rig.spans.steady_s / 2)
    return "the producer's clock was ten minutes ahead, then ten minutes behind"


def part(name: str, rig: Rig) -> str:
    """Let the clock of one part jump ten minutes ahead, from there to ten minutes behind, and back."""
    clocks = rig.clocks
    if clocks is None:
        raise SkipFaultError(
            "libfaketime is not installed, or not for this kind of machine: `make drill` installs it"
        )
    with clocks.held(name):
        _start_with(clocks, name, rig)
        until(lambda: rig.oldest_s() < CALM_S, "the pipeline to be as before")
        for jump_s in (JUMP_S, -JUMP_S, 0):
            clocks.turn(name, jump_s)
            time.sleep(rig.spans.steady_s / 2 if jump_s else SEEN_S)
    return f"the clock of {name} was ten minutes ahead, then ten minutes behind"


def _start_with(clocks: PartClocks, name: str, rig: Rig) -> None:
    """Kill the part until what takes its place has a clock that can be turned."""
    for _ in range(STARTS):
        until(lambda: clocks.turns(pid_of(rig, name)) is not None, f"{name} to run")
        if clocks.turns(pid := pid_of(rig, name)):
            return
        kill(pid)
        await_end([pid], END_S)
    raise GiveUpFaultError(
        f"{name} was killed {STARTS} times and never started with a clock that can be turned"
    )
