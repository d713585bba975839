"""One release asks another: `python -m pipeline.releases describe`, by the interpreter of the one that is asked.

Its settings come from the environment, as those of a child of `fastdata run`. The answer is JSON on standard output.
"""

import argparse
import os
import sys
from collections.abc import Sequence

import msgspec

from pipeline import failures, lifeline, logs
from pipeline.bootstrap import release, schema
from pipeline.bootstrap.configuration import load_settings
from pipeline.settings import Settings
from pipeline.settings_sources import Origin


def main(arguments: Sequence[str]) -> int:
    """Answer one question; return the exit status."""
    given = _parser().parse_args(arguments)
    logs.configure("warning", json_lines=False)
    try:
        answer = _answer(load_settings(Origin(), os.environ), given)
    except Exception as error:  # noqa: BLE001 - the asker shows the line
        sys.stderr.write(failures.one_line(error) + "\n")
        return failures.exit_status(error)
    sys.stdout.buffer.write(msgspec.json.encode(answer))
    return 0


def _answer(settings: Settings, given: argparse.Namespace) -> object:
    if given.question == "describe":
        return release.describe(settings)
    if given.question == "migrate":
        topics, migrations = schema.migrate(settings, contract=given.contract)
        return {"topics": topics, "migrations": migrations}
    return release.warm(settings, given.model, lifeline.stop_event(), _say)


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipeline.releases", description=__doc__)
    questions = parser.add_subparsers(dest="question", required=True)
    questions.add_parser("describe")
    migrate = questions.add_parser("migrate")
    migrate.add_argument("--contract", action="store_true")
    questions.add_parser("warm").add_argument("model")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
