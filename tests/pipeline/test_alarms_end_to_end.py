"""Alarms worked on the command line, with actors and servers as a user has them."""

import json
from typing import Any

import pytest
from installation import Installation, wait_until

from ingest.producer import Producer
from ingest.settings import KafkaSettings
from models.scores import Score, encode

pytestmark = [pytest.mark.kafka, pytest.mark.cassandra, pytest.mark.slow]

CARD = "tok_" + "7" * 24


def alert(event_id: str) -> bytes:
    return encode(
        Score(
            event_id=event_id,
            event_time=1_799_000_000_000,
            entity=CARD,
            model="fraud",
            version="1",
            score=0.9,
            threshold=0.5,
            features={},
            event={},
            arrivals={},
            topic="transactions",
            partition=0,
            offset=0,
            ingested_at=1_799_000_000_000,
        )
    )


def alarms(installed: Installation, *more: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = installed.look("alarms", "list", *more)
    return found


def life(installed: Installation, name: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = installed.look("alarms", "show", name)
    return found[0]["life"]


def test_an_alarm_is_seen_shelved_acknowledged_reset_and_measured(
    installed: Installation, kafka_bootstrap: str, topic_prefix: str
) -> None:
    with Producer(KafkaSettings(bootstrap_servers=kafka_bootstrap, prefix=topic_prefix)) as producer:
        producer.send("alerts", CARD, alert("e1"))
    policies = installed.where / "policies.toml"
    policies.write_text('[alarms.fraud]\noff_delay = "8s"\nlatched = true\nseverities = { high = 0.8 }\n')
    installed.environment |= {"FASTDATA_POLICIES": str(policies), "FASTDATA_ACTORS__SWEEP_S": "0.5"}
    with installed.running("run", "--only", "actors", "--only", "gateway"):
        wait_until(lambda: alarms(installed, "--severity", "high"))
        name = alarms(installed)[0]["alarm_id"]
        shelved = installed.call("alarms", "shelve", CARD, "--for", "2h", "--as", "ann", "--why", "known")
        assert "-> shelved" in shelved.stdout
        assert installed.call("alarms", "ack", name, "--as", "bob").stdout.startswith(name)
        refused = installed.call("alarms", "ack", name, "--as", "bob", status=2)
        assert "refused: it is" in refused.stderr
        wait_until(lambda: life(installed, name)["state"] == "latched")
        assert installed.call("alarms", "reset", name, "--as", "bob").stdout.startswith(name)
        assert alarms(installed) == []
    assert [alarm["state"] for alarm in alarms(installed, "--state", "closed")] == ["closed"]
    away = installed.call("alarms", "note", name, "too late", status=3)
    assert "no actors run here" in away.stderr

    text = installed.call("alarms", "show", name).stdout
    assert "ann: shelve" in text
    assert "returned to normal" in text
    kpis = json.loads(installed.call("alarms", "kpis", "--since", "1h", "--json").stdout)
    assert (kpis["load"]["alarms"], kpis["load"]["acknowledged"], kpis["severities"]) == (1, 1, {"high": 1})
    audit = json.loads(installed.call("alarms", "audit", CARD, "--json").stdout)
    assert [(e["operation"]["who"], e["verdict"]) for e in audit] == [
        ("bob", "applied"),
        ("bob", "refused"),
        ("bob", "applied"),
        ("ann", "applied"),
    ]
    stage = installed.stage(installed.verify(status=1), "operations taken = audited")
    assert (stage["clean"], stage["given"], stage["counts"]["applied"]) == (True, 4, 3)
