"""A child of `fastdata run`: `python -m pipeline.child NAME` runs one part of the pipeline until told to stop.

Its settings come from the environment, where its parent put what flags and file said.
"""

import argparse
import importlib
import os
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import structlog

from pipeline import failures, lifeline, logs
from pipeline.bootstrap.configuration import load_settings
from pipeline.settings import Settings
from pipeline.settings_sources import Origin

NAMES: Final = ("query", "writer", "actors", "gateway")
"""The parts of the pipeline, in the order of an event's way; `pipeline.bootstrap` has a module for each."""

Report = Callable[[dict[str, Any]], None]

log = structlog.get_logger(__name__)


class Part(Protocol):
    """What the module of a part offers."""

    def run(self, settings: Settings, stop: threading.Event, report: Report, *, until_idle: bool) -> None:
        """Work until `stop` is set, or (where the part can tell) until idle; say `ready` in between."""


def main(arguments: Sequence[str]) -> int:
    """Run one part; return the exit status."""
    given = _parser().parse_args(arguments)
    settings = load_settings(Origin(), os.environ)
    logs.configure(settings.log_level, json_lines=True)
    stop = threading.Event()
    lifeline.stop_on_signals(stop)
    lifeline.stop_with_parent(stop, settings.supervision.grace_s)
    part: Part = importlib.import_module(f"pipeline.bootstrap.{given.name}")
    part.run(settings, stop, lifeline.reporter(given.status_fd), until_idle=given.until_idle)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipeline.child", description=__doc__)
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--until-idle", action="store_true")
    parser.add_argument("--status-fd", type=int, required=True)
    return parser


def _run() -> int:
    try:
        return main(sys.argv[1:])
    except Exception as error:
        log.exception("child_failed", error=str(error))
        return failures.exit_status(error)


if __name__ == "__main__":
    sys.exit(_run())
