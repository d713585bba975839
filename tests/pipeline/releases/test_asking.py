"""A release is asked through its own interpreter, with real processes."""

import sys
from pathlib import Path

import pytest

from pipeline.errors import RefuseUsageError, StopProcessError
from pipeline.releases.asking import Other


def other(where: Path, script: str, told: list[str]) -> Other:
    program = where / "python3"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {where / "script.py"} "$@"\n')
    program.chmod(0o755)
    (where / "script.py").write_text(script)
    return Other(str(program), {}, told.append)


def test_a_long_answer_and_much_said_beside_it_arrive(tmp_path: Path) -> None:
    script = """
import sys
print("[" + ",".join(["0"] * 500_000) + "]" if "describe" in sys.argv else '{"topics": ["x"]}')
for n in range(20_000): print("line", n, file=sys.stderr)
"""
    told = list[str]()
    asked = other(tmp_path, script, told)
    assert asked.migrate() == {"topics": ["x"]}
    assert told[-1] == "line 19999"
    with pytest.raises(RefuseUsageError, match="can't serve here"):
        asked.describe()


def test_what_it_said_last_is_the_reason_for_its_refusal(tmp_path: Path) -> None:
    asked = other(tmp_path, "import sys; sys.exit('no such setting')", [])
    with pytest.raises(RefuseUsageError, match="can't serve here: no such setting"):
        asked.describe()
    with pytest.raises(StopProcessError, match="no such setting"):
        asked.warm("fraud")


def test_an_interpreter_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RefuseUsageError, match="/no/such"):
        Other("/no/such", {}, print).describe()
