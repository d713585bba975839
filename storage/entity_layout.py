"""How entities lie in Cassandra: in buckets, many to a partition, or, in a keyspace of before, each in its own.

What a conditional batch costs is per partition. In buckets one serves the entities that change at the same time: a
fifth of the cost for twenty of them. A keyspace has the older table until `fastdata upgrade --finish` has moved what is
in it; as long as it has, that is the one in use, because an older release may come back.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cassandra.cluster import Session

from storage.buckets import bucket_of
from storage.failures import mapped

_TABLE: Final = "SELECT table_name FROM system_schema.tables WHERE keyspace_name = %s AND table_name = %s"


@dataclass(frozen=True)
class Layout:
    """One of the two, as statements.

    Attributes
    ----------
    key
        Columns that name an entity; the first is the partition's.
    head
        What finds the row that has an entity's version.
    some
        What finds the entities of one partition that are asked for.
    key_of
        Gives the values of `key`.
    some_of
        Gives the values for `some`.
    entities
        Names all entities within a range of tokens.
    """

    table: str
    key: tuple[str, ...]
    head: str
    some: str
    key_of: Callable[[str], tuple[Any, ...]]
    some_of: Callable[[Sequence[str]], tuple[Any, ...]]
    entities: str

    def partition_of(self, entity: str) -> Any:
        """Return what tells an entity's partition from others."""
        return self.key_of(entity)[0]

    @property
    def guard(self) -> str:
        """Write version, writer and state if the entity is at the version that is given last."""
        return f"UPDATE {self.table} SET version = ?, writer = ?, state = ? WHERE {self.head} IF version = ?"  # noqa: S608 - our own names

    def insert(self, kind: str, *columns: str) -> str:
        """Write a row of a kind: the entity's key, the row's id, these columns, how long it lives in seconds."""
        names = ", ".join((*self.key, "kind", "id", *columns))
        marks = f"{'?, ' * len(self.key)}'{kind}', ?{', ?' * len(columns)}"
        return f"INSERT INTO {self.table} ({names}) VALUES ({marks}) USING TTL ?"  # noqa: S608 - our own names

    @property
    def load(self) -> str:
        """Read all rows of some entities."""
        return f"SELECT entity, version, state, kind, id, status, body FROM {self.table} WHERE {self.some}"  # noqa: S608 - our own names

    @property
    def writer(self) -> str:
        """Read which version an entity has, and who wrote it."""
        return f"SELECT version, writer FROM {self.table} WHERE {self.head} LIMIT 1"  # noqa: S608 - our own names

    @property
    def taken_at(self) -> str:
        """Read when an alert was taken."""
        key = " AND ".join(f"{column} = ?" for column in self.key)
        return f"SELECT taken_at FROM {self.table} WHERE {key} AND kind = 'alert' AND id = ?"  # noqa: S608 - our own names


BUCKETED: Final = Layout(
    table="entity_buckets",
    key=("bucket", "entity"),
    head="bucket = ? AND entity = ? AND kind = '' AND id = ''",
    some="bucket = ? AND entity IN ?",
    key_of=lambda entity: (bucket_of(entity), entity),
    some_of=lambda entities: (bucket_of(entities[0]), list(entities)),
    entities="SELECT entity FROM entity_buckets WHERE token(bucket) > ? AND token(bucket) <= ? GROUP BY bucket, entity",
)
SEPARATE: Final = Layout(
    table="entity_state",
    key=("entity",),
    head="entity = ?",
    some="entity = ?",
    key_of=lambda entity: (entity,),
    some_of=lambda entities: (entities[0],),
    entities="SELECT DISTINCT entity FROM entity_state WHERE token(entity) > ? AND token(entity) <= ?",
)


def layout_of(session: Session, keyspace: str) -> Layout:
    """Return how entities lie in a keyspace."""
    with mapped(f"looking how entities lie in {keyspace!r}"):
        older = session.execute(_TABLE, (keyspace, SEPARATE.table)).one()
    return BUCKETED if older is None else SEPARATE
