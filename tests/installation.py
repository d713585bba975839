"""An installation as a user has it: commands in processes of their own, in a directory of its own."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any

import command_line

from pipeline import roster

PATIENCE_S = 540.0
LOOK_EVERY_S = 0.5


class Installation:
    """One user's directory and environment."""

    def __init__(self, where: Path, environment: dict[str, str]) -> None:
        self.where = where
        self.run_dir = where / "run"
        self.environment = environment

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-c", "from pipeline.cli import main; main()", *arguments]

    def call(self, *arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self.command(*arguments),
            env=self.environment,
            cwd=self.where,
            check=False,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
        assert done.returncode == status, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    def look(self, *arguments: str) -> Any:
        """Return what a command means; in this process, as one that starts takes seconds of a core the pipeline needs."""
        with chdir(self.where):
            return command_line.call(self.environment, *arguments, "--json")

    @contextmanager
    def running(self, *arguments: str, stderr: int = subprocess.PIPE) -> Iterator["subprocess.Popen[str]"]:
        """Run a command beside others; one that says much needs a reader of its pipe, or none."""
        with subprocess.Popen(
            self.command(*arguments), env=self.environment, cwd=self.where, stderr=stderr, text=True
        ) as process:
            try:
                yield process
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(PATIENCE_S)

    def children(self) -> dict[str, int]:
        return roster.orphans(self.run_dir / "children.json")

    def verify(self, status: int = 0) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.call("verify", "--json", status=status).stdout)
        return found

    def stage(self, found: dict[str, Any], name: str) -> dict[str, Any]:
        return next(stage for stage in found["stages"] if name in stage["name"])


def wait_until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(LOOK_EVERY_S)
