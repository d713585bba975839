"""A keyspace of real tables with everything that makes a difference: out, wiped, and back; and into another one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cassandra.cluster import Session

from storage.backup import keyspace
from storage.buckets import bucket_of
from storage.entities import Change, CommandRow
from storage.entity_store import CassandraEntityStore
from storage.migrate import migrate
from storage.score_store import CassandraScoreStore
from storage.session import connect
from storage.settings import CassandraSettings

pytestmark = pytest.mark.cassandra

NOW = 1_900_000_000_000


def clock() -> int:
    return NOW


@pytest.fixture
def filled(
    session: Session, settings: CassandraSettings, stamped: Callable[..., Any], make_score: Callable[..., Any]
) -> Session:
    scores = [make_score(f"e{n}", entity=f"card-{n % 7}") for n in range(300)]
    CassandraScoreStore(session, settings).write(stamped(*scores))
    entities = CassandraEntityStore(session, settings, clock)
    queued, sent = CommandRow("c1", "queued", "{}"), CommandRow("c1", "sent", "{}")
    entities.save("card-1", 0, Change(state="{}", alerts=("a1", "a2"), commands=(queued,)))
    entities.save("card-1", 1, Change(state='{"x":1}', alerts=(), commands=(sent,)))
    entities.save("card-2", 0, Change(state="only static", alerts=(), commands=()))
    session.execute("INSERT INTO machines (machine, latitude) VALUES ('m1', 1.5)")
    session.execute("UPDATE machines USING TTL 50000 SET machine_class = 'pump' WHERE machine = 'm1'")
    session.execute("INSERT INTO machines (machine) VALUES ('bare')")
    return session


def lives(session: Session) -> list[int]:
    """Return how long some cells still live, in seconds."""
    alert = f"ttl(taken_at) AS t FROM entity_buckets WHERE bucket = {bucket_of('card-1')} AND entity = 'card-1' AND kind = 'alert'"
    read = [
        "ttl(machine_class) AS t FROM machines WHERE machine = 'm1'",
        "ttl(score) AS t FROM scores LIMIT 1",
        alert,
    ]
    return [session.execute(f"SELECT {each}").one().t for each in read]


def test_what_is_wiped_and_restored_is_the_same_set_of_rows(
    filled: Session, settings: CassandraSettings, tmp_path: Path
) -> None:
    before, lived = keyspace.digest(filled, settings.keyspace, clock), lives(filled)
    kept = keyspace.export(filled, settings.keyspace, tmp_path, clock)
    assert kept == before
    assert {name: rows.rows for name, rows in kept.items() if rows.rows} == {
        "scores": 300, "entity_buckets": 5, "machines": 2,
    }  # fmt: skip
    assert set(keyspace.filled(filled, settings.keyspace)) == {"scores", "entity_buckets", "machines"}

    keyspace.empty(filled, keyspace.filled(filled, settings.keyspace))
    assert keyspace.filled(filled, settings.keyspace) == []
    taken = keyspace.load(filled, settings, tmp_path, list(kept), clock)
    assert taken == kept
    assert keyspace.digest(filled, settings.keyspace, clock) == before
    assert all(abs(was - now) < 120 for was, now in zip(lived, lives(filled), strict=True))
    assert CassandraEntityStore(filled, settings, clock).save("card-1", 2, Change("", (), ())) == 3


def test_another_keyspace_takes_it_too(
    filled: Session, settings: CassandraSettings, tmp_path: Path, cassandra_session: Session
) -> None:
    kept = keyspace.export(filled, settings.keyspace, tmp_path, clock)
    other = settings.model_copy(update={"keyspace": f"{settings.keyspace}_2"})
    try:
        migrate(other)
        with connect(other) as there:
            keyspace.load(there, other, tmp_path, list(kept), clock)
            assert keyspace.digest(there, other.keyspace, clock) == kept
    finally:
        cassandra_session.execute(f"DROP KEYSPACE IF EXISTS {other.keyspace}")
