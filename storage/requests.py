"""Rows as requests: unlogged batches of rows that the same replica owns."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from cassandra.cluster import Session
from cassandra.query import BatchStatement, BatchType

from storage.batches import grouped
from storage.settings import CassandraSettings


def requests(session: Session, settings: CassandraSettings, rows: Iterable[Any]) -> Iterator[Any]:
    """Yield requests that write these bound rows.

    Parameters
    ----------
    rows
        Bound statements, which may be executed again, in any order, and in each other's company.
    """
    groups = grouped(
        rows,
        owner=partial(_owner, session, settings),
        size=_size,
        most_rows=settings.batch_rows,
        most_bytes=settings.batch_bytes,
    )
    return map(_request, groups)


def _owner(session: Session, settings: CassandraSettings, row: Any) -> Any:
    replicas = session.cluster.metadata.get_replicas(settings.keyspace, row.routing_key)
    local = (host for host in replicas if host.datacenter == settings.local_dc)
    return next(local, None)


def _size(row: Any) -> int:
    return sum(len(value) for value in row.values if isinstance(value, bytes))


def _request(rows: list[Any]) -> Any:
    """One row needs no batch, and only a batch has a limit of size at the server."""
    if len(rows) == 1:
        return rows[0]
    batch = BatchStatement(BatchType.UNLOGGED)
    batch.is_idempotent = True
    for row in rows:
        batch.add(row)
    return batch
