"""Cases worked on the command line, with actors and servers as a user has them."""

import json
import subprocess
from typing import Any

import pytest
from installation import PATIENCE_S, Installation, wait_until

from ingest.producer import Producer
from ingest.reading import read_all
from ingest.settings import KafkaSettings
from models import events
from models.events import Label
from models.scores import Score, encode

pytestmark = [pytest.mark.kafka, pytest.mark.cassandra, pytest.mark.slow]

CARDS = ("tok_" + "7" * 24, "tok_" + "8" * 24)
POLICIES = """
[alarms.fraud]
severity = "high"

[cases.fraud]
opens_at = "high"
"""


def alert(card: str) -> bytes:
    return encode(
        Score(
            event_id=f"tx-{card[-1]}",
            event_time=1_799_000_000_000,
            entity=card,
            model="fraud",
            version="1",
            score=0.9,
            threshold=0.5,
            features={"amount": 12.5},
            event={"card": card, "terminal": "T1", "amount": 12.5},
            arrivals={},
            topic="transactions",
            partition=0,
            offset=0,
            ingested_at=1_799_000_000_000,
        )
    )


def cases(installed: Installation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = installed.look("cases", "list")
    return found


def take_next_at_once(installed: Installation, *people: str) -> list[str]:
    asking = [
        subprocess.Popen(
            installed.command("cases", "next", "--as", who),
            env=installed.environment,
            cwd=installed.where,
            stdout=subprocess.PIPE,
            text=True,
        )
        for who in people
    ]
    return [process.communicate(timeout=PATIENCE_S)[0] for process in asking]


def test_cases_open_are_taken_by_one_each_and_become_labels(
    installed: Installation, kafka_bootstrap: str, topic_prefix: str
) -> None:
    kafka = KafkaSettings(bootstrap_servers=kafka_bootstrap, prefix=topic_prefix)
    with Producer(kafka) as producer:
        for card in CARDS:
            producer.send("alerts", card, alert(card))
    (installed.where / "policies.toml").write_text(POLICIES)
    installed.environment["FASTDATA_POLICIES"] = "policies.toml"
    with installed.running("run", "--only", "actors"):
        wait_until(lambda: len(cases(installed)) == len(CARDS))
        taken = take_next_at_once(installed, "ann", "bob")
        assert sorted(card for card in CARDS if any(card in line for line in taken)) == sorted(CARDS)
        mine = next(case["entity"] for case in cases(installed) if case["assignee"] == "ann")
        closed = installed.call("cases", "close", mine, "confirmed", "--as", "ann", "--why", "he said so")
        assert "assigned to ann -> closed: confirmed" in closed.stdout
        refused = installed.call("cases", "assign", mine, "--as", "bob", status=2)
        assert "refused: it is closed: confirmed" in refused.stderr
    (label,) = [events.decode(record.value) for record in read_all(kafka, "labels")]
    assert isinstance(label, Label)
    assert (label.transaction_id, label.card, label.fraud) == (f"tx-{mine[-1]}", mine, True)
    (told,) = json.loads(installed.call("cases", "show", mine, "--json").stdout)
    assert [piece["type"] for piece in told["evidence"]] == ["alarm", "alert"]
    assert told["evidence"][1]["score"]["features"] == {"amount": 12.5}
    done = [entry["operation"] for entry in told["audit"] if entry["verdict"] == "applied"]
    assert [(deed["who"], deed["action"]) for deed in done] == [("ann", "assign"), ("ann", "close")]
    assert {entry["operation"]["who"] for entry in told["audit"] if entry["verdict"] == "refused"} == {"bob"}
