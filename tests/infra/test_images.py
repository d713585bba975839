import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from infra.images import KAFKA, engine
from infra.images.commands import StopBuildError, run


def test_the_environment_is_text_that_a_shell_takes() -> None:
    printed = run([sys.executable, "-m", "infra.images", "env"])
    shell = f'{printed}\nprintf %s "$FASTDATA_TEST_KAFKA_IMAGE $TESTCONTAINERS_HOST_OVERRIDE"'
    assert run(["sh", "-c", shell]) == f"{KAFKA} 127.0.0.1"


def test_a_failing_program_ends_the_build_with_its_last_words() -> None:
    with pytest.raises(StopBuildError, match=r"`sh -c .*` failed:\nno such suite"):
        run(["sh", "-c", "echo no such suite >&2; exit 3"])


def test_only_the_engine_that_was_started_here_is_stopped(tmp_path: Path) -> None:
    ours = psutil.Process()
    said: list[str] = []
    engine.stop(tmp_path, said.append)
    (tmp_path / "engine.json").write_text(json.dumps({"pid": os.getpid(), "started": ours.create_time()}))
    engine.stop(tmp_path, said.append)
    assert said == ["No Docker engine of ours is running."] * 2
    assert ours.is_running()


def test_unknown_commands_are_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "infra.images", "biuld"], check=False, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "biuld" in done.stderr
