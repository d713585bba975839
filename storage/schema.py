"""The schema as it stands after all migrations, rendered from a server as CQL: the text of `schema.cql`."""

from collections.abc import Iterable
from typing import Any, Final

from cassandra.cluster import Session

HEADER: Final = """\
-- What the migrations in storage/migrations add up to, rendered from a server with default settings.
-- For reading only: the schema is made by the migrations, which say why each table is as it is.
"""

_KIND_ORDER: Final = {"partition_key": 0, "clustering": 1, "static": 2, "regular": 3}


def overview(session: Session, keyspace: str) -> str:
    """Return the tables and indexes of a keyspace as CQL, in a fixed order."""
    tables = _read(session, "tables", keyspace)
    columns, indexes = _read(session, "columns", keyspace), _read(session, "indexes", keyspace)
    parts = [HEADER]
    for table in sorted(tables, key=lambda t: t.table_name):
        parts.append(table_cql(table, [c for c in columns if c.table_name == table.table_name]))
        own = sorted((i for i in indexes if i.table_name == table.table_name), key=lambda i: i.index_name)
        parts.extend(index_cql(index) for index in own)
    return "\n".join(parts)


def table_cql(table: Any, columns: Iterable[Any]) -> str:
    """Return one table as CQL."""
    known = sorted(columns, key=lambda c: (_KIND_ORDER[c.kind], c.position, c.column_name))
    lines = [f"    {c.column_name} {c.type}{' static' if c.kind == 'static' else ''}," for c in known]
    return "\n".join(
        [
            f"CREATE TABLE {table.table_name} (",
            *lines,
            f"    PRIMARY KEY ({_primary_key(known)})",
            f") WITH {' AND '.join(_options(table, known))};\n",
        ]
    )


def index_cql(index: Any) -> str:
    """Return one index as CQL."""
    return (
        f"CREATE INDEX {index.index_name} ON {index.table_name} ({index.options['target']}) "
        f"USING '{index.options['class_name'].lower()}';\n"
    )


def _primary_key(columns: list[Any]) -> str:
    partition = [c.column_name for c in columns if c.kind == "partition_key"]
    clustering = [c.column_name for c in columns if c.kind == "clustering"]
    head = partition[0] if len(partition) == 1 else f"({', '.join(partition)})"
    return ", ".join([head, *clustering])


def _options(table: Any, columns: list[Any]) -> list[str]:
    order = [f"{c.column_name} {c.clustering_order}" for c in columns if c.kind == "clustering"]
    compaction = dict(table.compaction)
    name = compaction.pop("class").rpartition(".")[2]
    shown = {"class": name} | {
        k: v for k, v in sorted(compaction.items()) if k.startswith("compaction_window")
    }
    return [
        *([f"CLUSTERING ORDER BY ({', '.join(order)})"] if order else []),
        f"compaction = {shown}",
        f"default_time_to_live = {table.default_time_to_live}",
    ]


def _read(session: Session, what: str, keyspace: str) -> list[Any]:
    select = f"SELECT * FROM system_schema.{what} WHERE keyspace_name = %s"  # noqa: S608 - three names, all here
    return list(session.execute(select, (keyspace,)))
