"""The whole pipeline on real servers, as a user runs it: commands in processes of their own."""

import json
import os
import signal
from datetime import UTC, datetime, timedelta
from subprocess import DEVNULL
from typing import Any

import psutil
import pytest
from fraud_artifact import handmade_for_pumps
from installation import PATIENCE_S, Installation, wait_until

from pipeline import artifacts
from storage.session import connect
from storage.settings import CassandraSettings

pytestmark = [pytest.mark.kafka, pytest.mark.cassandra, pytest.mark.spark, pytest.mark.slow]

PARTS = ("query", "writer", "actors", "gateway", "notifier", "reconciler")


def test_from_events_of_cards_and_machines_to_acknowledged_commands(
    installed: Installation, cassandra_endpoint: Any, keyspace: str
) -> None:
    artifacts.keep(installed.where / "models", handmade_for_pumps())
    installed.call("models", "deploy", "anomaly-pump")
    installed.call("simulate", "transactions", "--limit", "4000")
    # Pumps work and are hot in the afternoon; by night there may be no alert.
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    installed.call(
        "simulate", "readings", "--machines", "20", "--limit", "2000", "--start", f"{yesterday}T12:00:00"
    )
    done = installed.call("run", "--until-idle")
    assert "query    done" in done.stderr
    assert installed.children() == {}

    found = installed.verify()
    assert found["clean"]
    assert installed.stage(found, "transactions for fraud: accepted")["counts"]["scored"] > 3_000
    pumps = installed.stage(found, "readings for anomaly-pump: accepted")["counts"]
    assert 800 < pumps["scored"] == pumps["accepted"] < 1_200
    recorded = installed.stage(found, "commands acknowledged = recorded")["counts"]
    assert recorded["succeeded"] > 0
    assert recorded["pending"] == 0

    settings = CassandraSettings(
        contact_points=cassandra_endpoint.contact_points, port=cassandra_endpoint.port, keyspace=keyspace
    )
    with connect(settings) as session:
        rows = list(session.execute("SELECT * FROM scores"))
        hot = next(row for row in rows if row.model == "anomaly-pump" and row.score >= row.threshold)
        told = installed.call("story", hot.event_id).stdout
        assert f"reduce_load {hot.entity}" in told
        assert "says: above" in told
        alert = next(row for row in rows if row.model == "fraud" and row.score >= row.threshold)
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
        installed.running(
            "simulate", "transactions", "--rate", "150", "--limit", "60000", stderr=DEVNULL
        ) as source,
    ):
        wait_until(lambda: set(installed.children()) == set(PARTS))
        for part in PARTS:
            before = installed.children()[part]
            os.kill(before, signal.SIGKILL)
            wait_until(lambda part=part, before=before: installed.children().get(part, before) != before)
        sent = installed.look("status")["topics"]["transactions"]
        wait_until(lambda: installed.look("status")["topics"]["scores"] > sent)
        children = [psutil.Process(pid) for pid in installed.children().values()]
        run.kill()
        _gone, alive = psutil.wait_procs(children, timeout=PATIENCE_S)
        assert alive == []
        source.send_signal(signal.SIGINT)
        assert source.wait(PATIENCE_S) == 0
    installed.call("run", "--until-idle")
    found = installed.verify()
    assert found["clean"]
    scored = installed.stage(found, "transactions for fraud: accepted")["counts"]["scored"]
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
