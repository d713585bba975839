"""Command line: build the images, start and stop an engine for them, and say how tests use them."""

import argparse
import sys
from pathlib import Path

from infra.errors import InfraError
from infra.images import CASSANDRA, KAFKA, engine
from infra.images.build import build

# No image of testcontainers' own can be pulled, and published ports are on 127.0.0.1 even inside a container.
_ENVIRONMENT = {
    "FASTDATA_TEST_KAFKA_IMAGE": KAFKA,
    "FASTDATA_TEST_CASSANDRA_IMAGE": CASSANDRA,
    "TESTCONTAINERS_RYUK_DISABLED": "true",
    "TESTCONTAINERS_CONNECTION_MODE": "docker_host",
    "TESTCONTAINERS_HOST_OVERRIDE": "127.0.0.1",
}


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.images", description=__doc__)
    parser.add_argument(
        "--state-dir", type=Path, default=Path(".fastdata/engine"), help="where the engine is recorded"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser(
        "engine-up", help="start a Docker engine unless one answers, installing it if need be"
    )
    commands.add_parser("engine-down", help="stop the engine that engine-up started")
    commands.add_parser("build", help="build the images")
    commands.add_parser("env", help="print the environment with which tests use these images")
    return parser.parse_args()


def main() -> None:
    """Do what the command says; end with 1 and its reason when it fails."""
    arguments = _arguments()
    try:
        if arguments.command == "engine-up":
            engine.start(arguments.state_dir, _say)
        elif arguments.command == "engine-down":
            engine.stop(arguments.state_dir, _say)
        elif arguments.command == "build":
            build(_say)
        else:
            _say("\n".join(f"export {name}={value}" for name, value in _ENVIRONMENT.items()))
    except InfraError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
