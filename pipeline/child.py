"""A child of `fastdata run`: `python -m pipeline.child NAME` runs one part of the pipeline until told to stop.

Its settings come from the environment, where its parent put what flags and file said. With `--standby` it prepares
itself, and works when it is called.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import structlog

from pipeline import failures, garbage, lifeline, logs
from pipeline.bootstrap.configuration import load_settings
from pipeline.part import NAMES, WITH_STANDBY, Part
from pipeline.settings_sources import Origin

log = structlog.get_logger(__name__)


def main(arguments: Sequence[str]) -> int:
    """Run one part; return the exit status."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.standby and given.name not in WITH_STANDBY:
        parser.error(f"{given.name} knows no standby")
    logs.configure("info", json_lines=True)
    _let_models_be_found()
    try:
        _work(given.name, given.status_fd, until_idle=given.until_idle, standby=given.standby)
    except Exception as error:
        log.exception("child_failed", error=str(error))
        return failures.exit_status(error)
    return 0


def _let_models_be_found() -> None:
    """Import what lies where this was started, after this release; Spark's Python lane does so too."""
    sys.path.append(str(Path.cwd()))
    given = os.environ.get("PYTHONPATH")
    paths = [str(Path(__file__).parents[1]), *([given] if given else [])]
    os.environ |= {"PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join(paths)}


def _work(name: str, status_fd: int, *, until_idle: bool, standby: bool) -> None:
    settings = load_settings(Origin(), os.environ)
    logs.configure(settings.log_level, json_lines=True)
    stop = lifeline.stop_event()
    called = lifeline.stop_with_parent(stop, settings.supervision.grace_s)
    module = importlib.import_module(f"pipeline.bootstrap.{name}")
    garbage.collect_rarely()
    module.run(
        Part(settings, stop, lifeline.reporter(status_fd), until_idle, called=called if standby else None)
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipeline.child", description=__doc__)
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--until-idle", action="store_true")
    parser.add_argument("--standby", action="store_true")
    parser.add_argument("--status-fd", type=int, required=True)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
