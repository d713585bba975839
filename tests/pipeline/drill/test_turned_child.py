"""The clock of one part, turned while it runs: a real process that says what time it is, and the shift alone."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.bootstrap.clocks import wall_ms
from pipeline.drill import turned_child
from pipeline.drill.turned_child import SEEN_S, shift_file, shifted, turn

SAYING = """
import sys, time
from pipeline import child
from pipeline.drill import turned_child

def say(arguments):
    from pipeline.bootstrap.clocks import wall_ms
    for _ in sys.stdin:
        time.time()  # a shift that is due is read here, not between the two clocks
        print(time.time(), wall_ms() / 1_000, time.monotonic(), arguments[0], flush=True)

child.main = say
turned_child.main(sys.argv[1:])
"""
NEAR_S = 60.0
PATIENCE_S = 60.0
AHEAD_S = 3_600


@contextmanager
def saying(folder: Path, part: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-c", SAYING, str(folder), part]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process


def ahead_s(process: "subprocess.Popen[str]", part: str) -> float:
    """Ask a process for its clocks; return how far those of the wall are ahead, and make sure that the other is not."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    *said, name = process.stdout.readline().split()
    wall, own, monotonic = map(float, said)
    assert name == part
    assert abs(wall - own) < NEAR_S
    assert abs(monotonic - time.monotonic()) < NEAR_S
    return own - wall_ms() / 1_000


def test_the_clock_of_a_part_jumps_ahead_and_behind_and_back_and_that_of_another_does_not(
    tmp_path: Path,
) -> None:
    with saying(tmp_path, "actors") as turned, saying(tmp_path, "writer") as other:
        assert abs(ahead_s(turned, "actors")) < NEAR_S, "nobody has turned it"
        for shift_s in (AHEAD_S, -AHEAD_S, 0):
            turn(tmp_path, "actors", shift_s)
            deadline = time.monotonic() + PATIENCE_S
            while abs(ahead_s(turned, "actors") - shift_s) > NEAR_S:
                assert time.monotonic() < deadline, f"it is not {shift_s} s ahead"
            assert abs(ahead_s(other, "writer")) < NEAR_S


def test_the_shift_is_read_again_after_its_time_and_no_sooner(tmp_path: Path) -> None:
    now = 100.0
    shift_s = shifted(shift_file(tmp_path, "writer"), lambda: now)
    assert shift_s() == 0
    turn(tmp_path, "writer", -7)
    now += SEEN_S * 0.9
    assert shift_s() == 0
    now += SEEN_S * 0.2
    assert shift_s() == -7


def test_a_part_is_started_with_what_is_left_of_the_arguments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[str] = []
    monkeypatch.setattr(time, "time", time.time)
    monkeypatch.setattr(time, "time_ns", time.time_ns)
    monkeypatch.setattr("pipeline.child.main", lambda arguments: given.extend(arguments) or 3)
    assert turned_child.main([str(tmp_path), "actors", "--status-fd", "9"]) == 3
    assert given == ["actors", "--status-fd", "9"]
