"""What the parts of a run load before they are ready: every second of it is downtime at a restart."""

import subprocess
import sys

import pytest

TRAINING = {"pandas", "sklearn", "scipy", "skops", "matplotlib"}
NOT_THE_QUERY = {*TRAINING, "pyspark", "py4j"}


@pytest.mark.parametrize(
    ("part", "heavy"),
    [
        ("query", TRAINING),
        ("writer", NOT_THE_QUERY),
        ("actors", NOT_THE_QUERY),
        ("gateway", NOT_THE_QUERY),
        ("notifier", NOT_THE_QUERY),
        ("reconciler", NOT_THE_QUERY),
        ("run", NOT_THE_QUERY),
    ],
)
def test_a_part_loads_no_library_that_it_has_no_use_for(part: str, heavy: set[str]) -> None:
    code = (
        f"import sys, pipeline.bootstrap.{part}; print(*sorted(set({sorted(heavy)!r}) & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
