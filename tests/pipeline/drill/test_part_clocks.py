"""The clock of one part, turned while it runs: real processes that say what time it is."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.drill.part_clocks import PartClocks, part_clocks

SAYING = """
import sys, time
for _ in sys.stdin:
    print(time.time(), time.monotonic(), flush=True)
"""
NEAR_S = 60.0
AHEAD_S = 3_600


@pytest.fixture
def clocks(tmp_path: Path) -> PartClocks:
    found = part_clocks(tmp_path / "clocks")
    if found is None:
        pytest.skip("libfaketime is not installed for this kind of machine")
    return found


@contextmanager
def saying(clocks: PartClocks, part: str) -> Iterator["subprocess.Popen[str]"]:
    command = [*clocks.launcher(part), sys.executable, "-c", SAYING]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process


def said(process: "subprocess.Popen[str]") -> tuple[float, float]:
    """Ask a process for its clocks; return how far they are ahead, the one of the wall and the monotonic one."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    wall, monotonic = map(float, process.stdout.readline().split())
    return wall - time.time(), monotonic - time.monotonic()


def await_shift(process: "subprocess.Popen[str]", shift_s: float) -> float:
    """Ask until the clock is about so far ahead; return how far the monotonic one is."""
    deadline = time.monotonic() + NEAR_S
    while True:
        wall, monotonic = said(process)
        if abs(wall - shift_s) < NEAR_S:
            return monotonic
        assert time.monotonic() < deadline, f"{wall:.0f} s ahead, not {shift_s:.0f}"
        time.sleep(0.1)


def test_a_clock_that_is_held_jumps_ahead_and_behind_and_back_and_the_monotonic_one_does_not(
    clocks: PartClocks,
) -> None:
    with clocks.held("actors"), saying(clocks, "actors") as process:
        said(process)
        assert clocks.turns(process.pid)
        for shift_s in (0, AHEAD_S, -AHEAD_S, 0):
            clocks.turn("actors", shift_s)
            assert abs(await_shift(process, shift_s)) < NEAR_S


def test_no_other_part_has_such_a_clock_and_neither_has_one_that_starts_afterwards(
    clocks: PartClocks,
) -> None:
    with clocks.held("actors"):
        clocks.turn("actors", AHEAD_S)
        with saying(clocks, "writer") as other:
            assert abs(said(other)[0]) < NEAR_S
            assert clocks.turns(other.pid) is False
    with saying(clocks, "actors") as late:
        assert abs(said(late)[0]) < NEAR_S
        assert clocks.turns(late.pid) is False
    assert clocks.turns(late.pid) is None, "it is gone"
