"""The commands on real servers: what was backed up, wiped and restored is the same set of rows."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from cassandra.cluster import Session
from command_line import CommandLine

from ingest.consumer import Consumer
from ingest.group_offsets import committed
from ingest.producer import Producer
from ingest.settings import KafkaSettings
from ingest.topics import ensure_topics
from models.machines import Machine
from storage.entities import Change
from storage.entity_layout import SEPARATE, layout_of
from storage.entity_store import CassandraEntityStore
from storage.machines import CassandraMachineStore
from storage.session import connect
from storage.settings import CassandraSettings

pytestmark = [pytest.mark.kafka, pytest.mark.cassandra]

SettingsOf: TypeAlias = Callable[[str], CassandraSettings]
MACHINES = [Machine(machine=f"m{n}", machine_class="pump", measurements={}) for n in range(40)]


@pytest.fixture
def commands(
    tmp_path: Path, kafka_bootstrap: str, topic_prefix: str, settings_of: SettingsOf, emptied_keyspace: str
) -> CommandLine:
    kafka = KafkaSettings(bootstrap_servers=kafka_bootstrap, prefix=topic_prefix)
    ensure_topics(kafka)
    cassandra = settings_of(emptied_keyspace)
    with connect(cassandra) as session:
        CassandraMachineStore(session, cassandra).put(MACHINES)
        CassandraEntityStore(session, cassandra, lambda: 0).save(
            "m1", 0, Change(state="{}", alerts=("a",), commands=())
        )
    return CommandLine(tmp_path, kafka, cassandra)


def take(kafka: KafkaSettings, count: int) -> None:
    """Have the writer's group take so many more scores."""
    with Producer(kafka) as producer:
        for _ in range(count):
            producer.send("scores", "k", b"x")
    with Consumer(kafka, "writer", ["scores"]) as consumer:
        taken = 0
        while taken < count:
            records = consumer.poll(count, 0.5)
            consumer.commit(records)
            taken += len(records)


def test_what_is_restored_is_what_was_backed_up(
    commands: CommandLine, tmp_path: Path, cassandra_session: Session
) -> None:
    folder, artifact = tmp_path / "backup", tmp_path / "models" / "fraud" / "1.1.json"
    artifact.parent.mkdir(parents=True)
    artifact.write_text("{}")
    take(commands.kafka, 3)
    before = commands("storage", "hash", "--json")
    assert {name: each["rows"] for name, each in before.items() if each["rows"]} == {
        "machines": 40, "entity_buckets": 2,
    }  # fmt: skip
    assert "42 rows" in commands("storage", "backup", str(folder))
    take(commands.kafka, 2)

    assert "--replace" in commands("storage", "restore", str(folder), status=2)
    assert "not empty" in commands("storage", "backup", str(folder), status=2)
    assert commands("storage", "hash", "--json") == before

    for table in ("machines", "entity_buckets"):
        cassandra_session.execute(f"TRUNCATE {commands.cassandra.keyspace}.{table}")
    artifact.unlink()
    told = commands("storage", "restore", str(folder))
    assert "writer takes 2 records of scores again" in told
    assert sum(committed(commands.kafka, "writer", "scores").values()) == 3
    assert commands("storage", "hash", "--json") == before
    assert artifact.read_text() == "{}"

    assert "restored and checked: 42 rows" in commands("storage", "restore", str(folder), "--replace")
    assert commands("storage", "hash", "--json") == before
    the_report_names_every_table(commands)


def test_a_refused_restore_leaves_a_keyspace_of_before_as_it_is(
    commands: CommandLine, tmp_path: Path, settings_of: SettingsOf, expanded_keyspace: str
) -> None:
    older = settings_of(expanded_keyspace)
    with connect(older) as session:
        CassandraEntityStore(session, older, lambda: 0).save("m2", 0, Change(state="{}"))
    commands("storage", "backup", str(tmp_path / "backup"))
    there = CommandLine(tmp_path, commands.kafka, older)
    told = there("storage", "restore", str(tmp_path / "backup"), status=2)
    assert f"{expanded_keyspace} holds rows already (in entity_state): --replace" in " ".join(told.split())
    with connect(older) as session:
        assert layout_of(session, expanded_keyspace) is SEPARATE


def the_report_names_every_table(commands: CommandLine) -> None:
    found = commands("storage", "report", "--free-gib", "1", "--json")
    lives = {store["name"]: store["life_s"] for store in found["stores"]}
    assert (lives["scores"], lives["entity_buckets"]) == (90 * 86_400, None)
    assert found["free"] == 1 << 30
    text = commands("storage", "report")
    assert "scores" in text
    assert "say --free-gib" in text
