"""Whichever release's `fastdata` is called: the one that serves the namespace goes on with the command."""

import os
import sys
from pathlib import Path
from typing import Final

from pipeline.errors import RefuseUsageError
from pipeline.releases import standing

_PROGRAM: Final = "from pipeline.cli import main; main()"


def follow(run_dir: Path) -> None:
    """Let the release that serves take this process over with all arguments, if it is another one.

    Raises
    ------
    RefuseUsageError
        When its environment is gone.
    """
    serves = standing.read_standing(run_dir)
    if serves is None or os.path.realpath(serves.current.prefix) == os.path.realpath(sys.prefix):
        return
    python = serves.current.python
    if not Path(python).exists():
        raise RefuseUsageError(
            f"release {serves.current} serves here and its environment {serves.current.prefix} is gone: put it back, "
            "or `fastdata rollback`"
        )
    sys.stderr.write(f"release {serves.current} serves here: {serves.current.prefix}\n")
    sys.stderr.flush()
    os.execv(python, [python, "-P", "-c", _PROGRAM, *sys.argv[1:]])  # noqa: S606 - no shell is wanted
