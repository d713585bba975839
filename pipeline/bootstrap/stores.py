"""The stores of this process, on one Cassandra session."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from pipeline.bootstrap.clocks import wall_ms
from storage.entity_store import CassandraEntityStore
from storage.machines import CassandraMachineStore
from storage.score_store import CassandraScoreStore
from storage.session import connect
from storage.settings import CassandraSettings


class Stores(NamedTuple):
    """Scores, entities and the machine register of one keyspace."""

    scores: CassandraScoreStore
    entities: CassandraEntityStore
    machines: CassandraMachineStore


@contextmanager
def open_stores(settings: CassandraSettings) -> Iterator[Stores]:
    """Connect to the keyspace and close the session at the end."""
    with connect(settings) as session:
        yield Stores(
            CassandraScoreStore(session, settings),
            CassandraEntityStore(session, settings, wall_ms),
            CassandraMachineStore(session, settings),
        )
