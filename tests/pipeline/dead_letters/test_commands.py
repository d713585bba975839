"""The commands on real servers: refused events are listed, explained, fixed and sent again, once."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine

from ingest.door import Door
from ingest.producer import Producer
from ingest.reading import read_all
from ingest.settings import KafkaSettings
from ingest.topics import ensure_topics
from models import events
from storage.settings import CassandraSettings

pytestmark = [pytest.mark.kafka, pytest.mark.cassandra]

NOW = 1_780_000_000_000
TOKEN = "tok_" + "0" * 24
CARD = "4111111111111111"
Call = Callable[..., Any]


def wire(n: int, **changes: Any) -> bytes:
    fields = {
        "type": "transaction",
        "event_id": f"t{n}",
        "event_time": NOW + n,
        "card": TOKEN,
        "terminal": "T1",
    }
    return json.dumps({**fields, "amount": 5.5, **changes}).encode()


@pytest.fixture
def kafka(kafka_bootstrap: str, topic_prefix: str) -> KafkaSettings:
    settings = KafkaSettings(bootstrap_servers=kafka_bootstrap, prefix=topic_prefix)
    ensure_topics(settings)
    with Producer(settings) as producer:
        door = Door(producer, lambda: NOW + 1_000_000)
        for n in range(5):
            door.raw(wire(n, amount=f"{n},50"), "till.csv", n + 1)
        door.raw(wire(9, note=f"paid by {CARD}"), "shop.csv", 1)
    return settings


@pytest.fixture
def call(kafka: KafkaSettings, cassandra_endpoint: Any, emptied_keyspace: str, tmp_path: Path) -> Call:
    cassandra = CassandraSettings(
        contact_points=cassandra_endpoint.contact_points,
        port=cassandra_endpoint.port,
        local_dc=cassandra_endpoint.dc,
        keyspace=emptied_keyspace,
    )
    return partial(CommandLine(tmp_path, kafka, cassandra), "dead-letters")


def test_refused_events_are_listed_explained_fixed_and_sent_once(call: Call, kafka: KafkaSettings) -> None:
    large, small = call("list", "--json")
    assert (large["reason"], large["source"], large["letters"]) == ("wrong_type", "till.csv", 5)
    assert (small["reason"], small["source"], small["letters"]) == ("unknown_field", "shop.csv", 1)
    assert "letters are kept for 28 days" in call("list")

    one = call("show", small["example"][:10], "--json")
    assert (one["event_type"], one["acceptable"]) == ("transaction", False)
    assert [f["value"] for f in one["findings"] if f["problem"] == "unknown"] == ['"paid by <card number>"']
    assert CARD not in call("show", small["example"])

    tried = call(
        "fix", "--reason", "wrong_type", "--set", "amount=number(replace(amount, ',', '.'))", "--json"
    )
    assert tried["taken"] == 5
    assert tried["letters"][2]["changes"] == [{"name": "amount", "before": '"2,50"', "after": "2.5"}]
    assert "- amount" in call("fix", "--reason", "wrong_type", "--set", "amount=1.0")

    send = ("redrive", "--fix", tried["fix"], "--why", "decimal commas", "--as", "ann", "--json")
    assert call(*send)["sent"] == {"transactions": 5}
    again = call(*send)
    assert (again["sent"], again["already"]) == ({}, 5)
    sent = [events.decode(record.value) for record in read_all(kafka, "transactions")]
    assert sorted((event.event_id, event.amount) for event in sent) == [(f"t{n}", n + 0.5) for n in range(5)]  # type: ignore[union-attr]

    assert {(entry["who"], entry["why"]) for entry in call("audit", "--json")} == {("ann", "decimal commas")}
    assert "5 sent again" in call("list")
    assert call("redrive", "--source", "shop.csv", "--why", "x", "--json")["refused"] == {"unknown_field": 1}

    assert "there is no fix" in call("redrive", "--fix", "fix-0", "--why", "x", status=2)
    assert "say what to change" in call("fix", status=2)
    assert "not understood" in call("fix", "--set", "amount=[1]", status=2)
    assert "no other filter" in call("redrive", "--fix", "fix-0", "--id", "a", "--why", "x", status=2)
