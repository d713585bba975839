"""`upgrade --finish` on a keyspace of before: refused while anything runs, then entities are moved and served on."""

from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import CommandLine

from ingest.admin import group_members
from ingest.consumer import Consumer
from ingest.settings import KafkaSettings
from ingest.topics import ensure_topics
from pipeline import roster
from storage.entities import Change
from storage.entity_layout import BUCKETED, SEPARATE, layout_of
from storage.entity_store import CassandraEntityStore
from storage.migrate import migrate
from storage.migration_files import shipped
from storage.session import connect
from storage.settings import CassandraSettings

pytestmark = [pytest.mark.kafka, pytest.mark.cassandra]


def test_entities_are_moved_while_nothing_runs(
    tmp_path: Path,
    kafka_bootstrap: str,
    topic_prefix: str,
    settings_of: Callable[[str], CassandraSettings],
    keyspace: str,
) -> None:
    kafka = KafkaSettings(bootstrap_servers=kafka_bootstrap, prefix=topic_prefix)
    ensure_topics(kafka)
    cassandra = settings_of(keyspace)
    migrate(cassandra, migrations=[m for m in shipped() if not m.contracts])
    commands = CommandLine(tmp_path, kafka, cassandra)
    with connect(cassandra) as session:
        store = CassandraEntityStore(session, cassandra, lambda: 0)
        store.save("card-1", 0, Change("s1", ("e1/fraud",)))
        before = store.load("card-1")

        with roster.owned(tmp_path / "runs" / "main"):
            assert "stop `fastdata run`" in commands("upgrade", "--finish", status=2)
        with Consumer(kafka, "actors", ["alerts"]) as consumer:
            while not group_members(kafka, "actors"):
                consumer.poll(1, 0.2)
            assert "members of group actors run" in commands("upgrade", "--finish", status=2)
        assert layout_of(session, keyspace) is SEPARATE

        assert "0012_contract_entity_state" in commands("upgrade", "--finish")
        assert layout_of(session, keyspace) is BUCKETED
        assert CassandraEntityStore(session, cassandra, lambda: 0).load("card-1") == before
    assert "none" in commands("upgrade", "--finish")
