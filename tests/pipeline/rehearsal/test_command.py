"""`fastdata rehearse` on real servers and real Spark: a new version against what the old one did."""

from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine
from fraud_artifact import handmade

from actors.dry_run import dry_run
from ingest.door import Door
from ingest.producer import Producer
from ingest.settings import KafkaSettings
from ingest.topics import ensure_topics
from models import actions, alarms, scores
from models.events import Transaction
from models.policies.policies import BUILT_IN, parse
from models.scores import Score
from pipeline import artifacts
from storage.settings import CassandraSettings

pytestmark = [pytest.mark.kafka, pytest.mark.cassandra, pytest.mark.spark]

NOON = 1_546_344_000_000  # 2019-01-01T12:00Z
AMOUNTS = (10.0, 120.0, 260.0, 310.0)


def event(n: int) -> Transaction:
    return Transaction(
        event_id=f"t{n}", event_time=NOON + n * 60_000, card=f"tok_{n:024x}", terminal="T1", amount=AMOUNTS[n]
    )


def scored(n: int) -> Score:
    """Return what version 1.1 said: its alerts are amounts of 250 and more."""
    return Score(
        event_id=f"t{n}", event_time=NOON + n * 60_000, entity=event(n).card, model="fraud", version="1.1",
        score=AMOUNTS[n], threshold=250.0, features={}, event={}, arrivals={}, topic="transactions", partition=0,
        offset=n, ingested_at=NOON,
    )  # fmt: skip


def happen(kafka: KafkaSettings) -> None:
    """Let version 1.1 score the events, and the actors act."""
    old = [scored(n) for n in range(len(AMOUNTS))]
    policies = parse(BUILT_IN.read_text(encoding="utf-8"), "built-in")
    run = dry_run([score for score in old if score.is_alert], policies, NOON + 3_600_000)
    with Producer(kafka) as producer:
        for n in range(len(AMOUNTS)):
            assert Door(producer, lambda: NOON + 3_600_000).event(event(n), "test", n + 1)
        for score in old:
            producer.send("scores", score.entity, scores.encode(score))
        for change in run.changes:
            producer.send("alarms", change.entity, alarms.encode_change(change))
        for command in run.commands:
            producer.send("commands", command.entity, actions.encode(command))


def test_a_new_version_is_rehearsed_on_what_the_topics_hold(
    tmp_path: Path, kafka_bootstrap: str, topic_prefix: str, cassandra_endpoint: Any, emptied_keyspace: str
) -> None:
    kafka = KafkaSettings(bootstrap_servers=kafka_bootstrap, prefix=topic_prefix)
    ensure_topics(kafka)
    happen(kafka)
    cassandra = CassandraSettings(
        contact_points=cassandra_endpoint.contact_points,
        port=cassandra_endpoint.port,
        local_dc=cassandra_endpoint.dc,
        keyspace=emptied_keyspace,
    )
    artifacts.keep(tmp_path / "models", handmade("amount / 2", 150.0))
    call = CommandLine(tmp_path, kafka, cassandra)
    span = ("--from", "2019-01-01T12:00", "--to", "2019-01-01T13:00", "--model", "fraud")

    found = call("rehearse", *span, "--json")
    assert (found["version"], found["threshold"]) == ("1.1", 150.0)
    assert (found["scores"]["events"], found["scores"]["compared"]) == (4, 4)
    assert [(moved["event_id"], moved["now"]) for moved in found["scores"]["largest"][:1]] == [("t3", 155.0)]
    assert found["alerts"] == {"both": ["t3"], "only_then": ["t2"], "only_now": []}
    assert [found["alarms"][side] for side in ("happened", "again", "now")] == [2, 2, 1]
    assert len(found["commands"]["against_happened"]["only_then"]) == 1
    assert found["commands_by_kind"] == {"block_card": 1}

    assert "no events in this span" in call(
        "rehearse", *span[:1], "2018-01-01", *span[2:3], "2018-01-02", *span[4:], status=2
    )
    assert "there is no model" in call("rehearse", *span[:4], "--model", "nothing", status=2)
