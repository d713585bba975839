"""What the queries did in each interval: when they are idle, what they dropped, and whether they have failed."""

import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from pyspark.errors import StreamingQueryException
from pyspark.sql.streaming.query import StreamingQuery

from processing.errors import StopQueryError

Offsets = Mapping[str, Mapping[int, int]]
"""Topic -> partition -> next offset."""

_POLL_S: Final = 0.25


class Interval(msgspec.Struct, frozen=True):
    """One committed interval of one query.

    Attributes
    ----------
    read
        Next offset to read per topic and partition, as committed.
    dropped_late
        Rows dropped because their window had left the state.
    durations_ms
        What the interval took by step, in Spark's words: `addBatch` holds the rows, the others are the pause.
    """

    query: str
    batch: int
    timestamp: str
    rows: int
    read: dict[str, dict[int, int]]
    dropped_late: int
    durations_ms: dict[str, int]


@dataclass(frozen=True)
class Watch:
    """What the runtime is told and asked while queries run.

    Parameters
    ----------
    interval
        Takes each committed interval.
    end_offsets
        Tells the present end of every source topic.
    """

    interval: Callable[[Interval], None]
    end_offsets: Callable[[], Offsets]


@dataclass(frozen=True)
class Changes:
    """How the set of queries changes while they run.

    Parameters
    ----------
    replaced
        Takes a query and its new interval; the query that runs in its place from then on, None to go on.
    added
        Starts queries beside the others; they are watched too.
    left
        Whether a query was stopped on purpose: it is watched no longer.
    """

    replaced: Callable[[StreamingQuery, Interval], StreamingQuery | None]
    added: Callable[[], Sequence[StreamingQuery]]
    left: Callable[[StreamingQuery], bool] = lambda _query: False


UNCHANGED: Final = Changes(lambda _query, _interval: None, lambda: ())


def watch_queries(
    queries: Sequence[StreamingQuery],
    stop: threading.Event,
    *,
    until_idle: bool,
    watch: Watch,
    changes: Changes = UNCHANGED,
    insist: Callable[[], None] = lambda: None,
) -> None:
    """Block until stopped, failed, or (if asked) idle; then stop every query.

    Parameters
    ----------
    insist
        Called a few times a second; raises where the queries must not go on.

    Raises
    ------
    StopQueryError
        When a query has failed.
    """
    running, latest = list(queries), dict[str, Interval]()
    while not stop.wait(_POLL_S):
        insist()
        running = [query for query in (*running, *changes.added()) if not changes.left(query)]
        running = [_looked_after(query, latest, watch, changes) for query in running]
        if until_idle and len(latest) == len(running) and has_read(latest.values(), watch.end_offsets()):
            break
    for query in running:
        query.stop()


def _looked_after(
    query: StreamingQuery, latest: dict[str, Interval], watch: Watch, changes: Changes
) -> StreamingQuery:
    """Return the query, or the one that took its place; what it has done counts as latest until then."""
    fail_if_ended(query)
    interval = _new_interval(query, latest)
    if interval is None:
        return query
    watch.interval(interval)
    following = changes.replaced(query, interval)
    if following is None:
        latest[interval.query] = interval
        return query
    latest.pop(interval.query, None)
    return following


def has_read(intervals: Iterable[Interval], ends: Offsets) -> bool:
    """Whether all that lies before these ends was read."""
    return all(
        offset >= ends[topic][partition]
        for interval in intervals
        for topic, partitions in interval.read.items()
        for partition, offset in partitions.items()
    )


def _new_interval(query: StreamingQuery, latest: Mapping[str, Interval]) -> Interval | None:
    interval = last_interval(query)
    if interval is None:
        return None
    seen = latest.get(interval.query)
    return interval if seen is None or interval.batch != seen.batch else None


def last_interval(query: StreamingQuery) -> Interval | None:
    """Return the interval that a query committed last; None before its first."""
    progress = query.lastProgress
    return None if progress is None else interval_of(json.loads(progress.json))


def interval_of(progress: Mapping[str, Any]) -> Interval:
    """Read Spark's progress report of one interval."""
    operators = progress.get("stateOperators", [])
    durations = {k: int(v) for k, v in progress.get("durationMs", {}).items()}
    return Interval(
        query=progress["name"],
        batch=progress["batchId"],
        timestamp=progress["timestamp"],
        rows=progress.get("numInputRows", 0),
        read=_read(progress["sources"]),
        dropped_late=sum(o.get("numRowsDroppedByWatermark", 0) for o in operators),
        durations_ms=durations,
    )


def _read(sources: Sequence[Mapping[str, Any]]) -> dict[str, dict[int, int]]:
    read: dict[str, dict[int, int]] = {}
    for source in sources:
        offsets = source.get("endOffset") or {}
        for topic, partitions in (json.loads(offsets) if isinstance(offsets, str) else offsets).items():
            read.setdefault(topic, {}).update({int(p): int(o) for p, o in partitions.items()})
    return read


def fail_if_ended(query: StreamingQuery) -> None:
    """Make sure that a query goes on.

    Raises
    ------
    StopQueryError
        When it has ended, with the first line of its error.
    """
    if query.isActive:
        return
    error = query.exception()
    text = (
        str(error).splitlines()[0]
        if isinstance(error, StreamingQueryException)
        else "it ended without an error"
    )
    raise StopQueryError(f"query {query.name} has stopped: {text}")
