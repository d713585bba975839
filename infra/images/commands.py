"""Run the machine's own programs: quietly, at low priority, and with their last words when they fail."""

import os
import subprocess
from collections.abc import Mapping, Sequence

from infra.errors import InfraError

_LAST_LINES = 15
_NICENESS = "10"


class StopBuildError(InfraError):
    """A program that the build needs failed; the message ends with what it said."""


def run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    """Run a program to its end and give what it printed."""
    done = subprocess.run(
        ["nice", "-n", _NICENESS, *command],  # noqa: S607 - wherever the machine has it
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **(environment or {})},
    )
    if done.returncode != 0:
        last = "\n".join(done.stdout.splitlines()[-_LAST_LINES:])
        raise StopBuildError(f"`{' '.join(command)}` failed:\n{last}")
    return done.stdout


def succeeds(command: Sequence[str]) -> bool:
    """Tell whether a program is there and ends well."""
    try:
        done = subprocess.run(
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        return False
    return done.returncode == 0
