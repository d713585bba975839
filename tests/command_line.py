"""Commands called in this process, against real servers."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from ingest.settings import KafkaSettings
from pipeline.cli import app
from storage.settings import CassandraSettings


class CommandLine:
    """One installation's commands.

    Parameters
    ----------
    state_dir
        Where its files lie.
    """

    def __init__(self, state_dir: Path, kafka: KafkaSettings, cassandra: CassandraSettings) -> None:
        self.kafka = kafka
        self.cassandra = cassandra
        named = {
            "EMBEDDED__STATE_DIR": str(state_dir),
            "KAFKA__BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
            "KAFKA__PREFIX": kafka.prefix,
            "CASSANDRA__CONTACT_POINTS": json.dumps(cassandra.contact_points),
            "CASSANDRA__PORT": str(cassandra.port),
            "CASSANDRA__LOCAL_DC": cassandra.local_dc,
            "CASSANDRA__KEYSPACE": cassandra.keyspace,
        }
        self.environment = {f"FASTDATA_{name}": value for name, value in named.items()}

    def __call__(self, *arguments: str, status: int = 0) -> Any:
        """Return what a command prints, with --json what it means."""
        return call(self.environment, *arguments, status=status)


def call(environment: Mapping[str, str], *arguments: str, status: int = 0) -> Any:
    """Return what a command prints, with --json what it means; whatever of ours is set around the tests is no setting of theirs."""
    others: dict[str, str | None] = {name: None for name in os.environ if name.startswith("FASTDATA_")}
    found = CliRunner().invoke(app, list(arguments), env=others | environment)
    assert found.exit_code == status, found.output
    return json.loads(found.stdout) if "--json" in arguments else found.output
