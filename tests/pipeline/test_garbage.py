"""Cycles are looked for rarely, and what was loaded before is left alone: in a process of its own, as a part's."""

import subprocess
import sys

LOOK = """
import gc
from pipeline import garbage
garbage.collect_rarely()
print(gc.get_threshold(), gc.get_freeze_count() > 1000, gc.isenabled())
"""


def test_a_part_looks_rarely_for_garbage_in_cycles() -> None:
    found = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True)
    assert found.stdout.split("\n")[0] == "(20000, 10, 10) True True"
