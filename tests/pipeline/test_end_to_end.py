"""The whole pipeline on real servers, as a user runs it: commands in processes of their own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from fraud_artifact import handmade

from pipeline import artifacts, roster
from storage.session import connect
from storage.settings import CassandraSettings

pytestmark = [pytest.mark.kafka, pytest.mark.cassandra, pytest.mark.spark, pytest.mark.slow]

PATIENCE_S = 240.0
PARTS = ("query", "writer", "actors", "gateway")


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

    @contextmanager
    def running(self, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
        with subprocess.Popen(
            self.command(*arguments), env=self.environment, cwd=self.where, stderr=subprocess.PIPE, text=True
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


@pytest.fixture
def installed(
    tmp_path: Path, kafka_bootstrap: str, cassandra_endpoint: Any, topic_prefix: str, keyspace: str
) -> Installation:
    own = {
        "EMBEDDED__STATE_DIR": str(tmp_path),
        "RUN_DIR": str(tmp_path / "run"),
        "KAFKA__BOOTSTRAP_SERVERS": kafka_bootstrap,
        "KAFKA__PREFIX": topic_prefix,
        "CASSANDRA__CONTACT_POINTS": json.dumps(cassandra_endpoint.contact_points),
        "CASSANDRA__PORT": str(cassandra_endpoint.port),
        "CASSANDRA__LOCAL_DC": cassandra_endpoint.dc,
        "CASSANDRA__KEYSPACE": keyspace,
        "PROCESSING__MEMORY": "1g",
    }
    others = {name: value for name, value in os.environ.items() if not name.startswith("FASTDATA_")}
    environment = {**others, **{f"FASTDATA_{name}": value for name, value in own.items()}}
    artifacts.keep(tmp_path / "models", handmade("1 / (1 + exp(-(amount / 100 - 3)))", 0.3))
    installation = Installation(tmp_path, environment)
    installation.call("migrate")
    installation.call("models", "deploy", "fraud")
    return installation


def wait_until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_from_a_card_swipe_to_an_acknowledged_command(
    installed: Installation, cassandra_endpoint: Any, keyspace: str
) -> None:
    installed.call("simulate", "transactions", "--limit", "4000")
    done = installed.call("run", "--until-idle")
    assert "query    done" in done.stderr
    assert installed.children() == {}

    found = installed.verify()
    assert found["clean"]
    assert installed.stage(found, "transactions: accepted")["counts"]["scored"] > 3_000
    recorded = installed.stage(found, "recorded on the alarm")["counts"]
    assert recorded["succeeded"] > 0
    assert recorded["pending"] == 0

    settings = CassandraSettings(
        contact_points=cassandra_endpoint.contact_points, port=cassandra_endpoint.port, keyspace=keyspace
    )
    with connect(settings) as session:
        alert = next(row for row in session.execute("SELECT * FROM scores") if row.score >= row.threshold)
        told = json.loads(installed.call("story", alert.event_id, "--json").stdout)
        assert told["judgements"][0]["alarm"]["entity"] == alert.entity
        assert told["judgements"][0]["commands"][0]["status"] in {"succeeded", "refused"}
        assert "command" in installed.call("story", alert.event_id).stdout
        session.execute("DELETE FROM scores WHERE entity = %s AND day = %s", (alert.entity, alert.day))
    lost = installed.stage(installed.verify(status=1), "scored = stored")
    assert f"{alert.event_id}/fraud" in lost["missing"]

    status = json.loads(installed.call("status", "--json").stdout)
    assert set(status["lags"].values()) == {0}
    assert status["topics"]["transactions"] + status["topics"]["labels"] == 4_000


def test_a_kill_of_any_part_or_of_the_parent_loses_nothing_and_doubles_nothing(
    installed: Installation,
) -> None:
    with (
        installed.running("run") as run,
        installed.running("simulate", "transactions", "--rate", "150", "--limit", "6000") as source,
    ):
        wait_until(lambda: set(installed.children()) == set(PARTS))
        for part in PARTS:
            before = installed.children()[part]
            os.kill(before, signal.SIGKILL)
            wait_until(lambda part=part, before=before: installed.children().get(part, before) != before)
        assert source.wait(PATIENCE_S) == 0
        children = [psutil.Process(pid) for pid in installed.children().values()]
        run.kill()
        _gone, alive = psutil.wait_procs(children, timeout=PATIENCE_S)
        assert alive == []
    installed.call("run", "--until-idle")
    found = installed.verify()
    assert found["clean"]
    scored = installed.stage(found, "transactions: accepted")["counts"]["scored"]
    assert installed.stage(found, "scored = stored")["found"] == scored
    assert installed.stage(found, "carried out once")["found"] > 0


def test_a_part_runs_alone_and_stops_cleanly_on_sigterm(installed: Installation) -> None:
    with installed.running("run", "--only", "writer", "--only", "gateway") as run:
        assert run.stderr is not None
        ready = set[str]()
        for line in run.stderr:
            ready |= {part for part in PARTS if line.split()[1:] == [part, "ready"]}
            if ready == {"writer", "gateway"}:
                break
        assert set(installed.children()) == ready
        second = installed.call("run", "--only", "writer", status=2)
        assert f"another run (process {run.pid})" in second.stderr
        run.send_signal(signal.SIGTERM)
        assert run.wait(PATIENCE_S) == 0
    assert installed.children() == {}
