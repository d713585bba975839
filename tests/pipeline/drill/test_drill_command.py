"""`fastdata drill` as a user has it; its pieces have tests of their own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.drill.faults import FAULTS


def drill(*arguments: str, given: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from pipeline.cli import main; main()", *given, "drill", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=1_000)


def test_the_faults_are_named() -> None:
    done = drill("--list")
    assert (done.returncode, done.stdout.splitlines()) == (0, list(FAULTS))


def test_what_can_not_be_is_refused_and_nothing_is_touched(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    for arguments, message in (
        (("--faults", "kill-all"), "no fault kill-all"),
        (("--nodes", "2"), "nodes"),
        ((), "holds something else than a drill"),
    ):
        done = drill("--state-dir", str(tmp_path), *arguments)
        assert done.returncode == 2, done.stderr
        assert message in done.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["mine"]


@pytest.mark.slow
@pytest.mark.spark
@pytest.mark.kafka
@pytest.mark.cassandra
def test_a_kill_and_poison_are_survived_with_every_ledger_in_agreement(tmp_path: Path) -> None:
    into = tmp_path / "found.json"
    where = ("--state-dir", str(tmp_path / "drill"), "--json", str(into))
    # of no use to these faults, and minutes of work
    without = ("--set", "supervision.standby=false", "--set", "processing.brief=true")
    done = drill(
        "--faults",
        "kill-gateway,poison",
        "--seeds",
        "1",
        "--first-seed",
        "7",
        "--rate",
        "40",
        *where,
        given=without,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(into.read_text())
    assert found["clean"]
    assert {trial["fault"] for trial in found["trials"]} == {"no fault", "kill-gateway", "poison", "verify"}
    assert {trial["seed"] for trial in found["trials"]} == {0, 7}
    assert all(trial["survived"] for trial in found["trials"])
    assert not (tmp_path / "drill").exists()
