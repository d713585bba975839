"""What a standby does before it is called: it scores recent events into nothing, so that Java has compiled what will run."""

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from models.service import Service
from processing.errors import StopQueryError
from processing.pace import Pace
from processing.progress import Offsets, fail_if_ended, has_read, last_interval
from processing.query import rejected, rejects_name, scored, start
from processing.settings import ProcessingSettings
from processing.stopping import stop_with_tasks
from processing.topics import Topics

ROUNDS: Final = 4
PRACTICE_S: Final = 300.0
"""The longest practice, in seconds; a round under way is ended then."""

_INTERVAL_S: Final = 10

_LOOK_EVERY_S: Final = 0.25
_NOTHING: Final = "length(value) < 0"
"""True of no row, which Spark does not see beforehand: everything is computed, and nothing is written."""


def practise(
    spark: SparkSession,
    settings: ProcessingSettings,
    topics: Topics,
    services: Sequence[Service],
    *,
    ends: Offsets,
    interrupted: Callable[[], bool],
) -> int:
    """Run the queries of these services again and again, on checkpoints of their own that are gone afterwards.

    Every second round goes on from the checkpoint of the one before, as a query does that takes over.

    Parameters
    ----------
    topics
        Where to read; `begins` says from where.
    ends
        Up to where a round reads, by topic and partition.
    interrupted
        Ends it when it says true.

    Returns
    -------
    int
        How many rounds were begun.

    Raises
    ------
    StopQueryError
        When a query fails.
    """
    until, rounds = time.monotonic() + PRACTICE_S, 0

    def over() -> bool:
        return interrupted() or time.monotonic() > until

    rows = {service.query: scored(spark, settings, topics, service) for service in services}
    rows[rejects_name(topics)] = rejected(spark, topics)
    with tempfile.TemporaryDirectory(prefix="fastdata-standby-") as folder:
        while rounds < ROUNDS and not over():
            own = settings.model_copy(update={"checkpoint_dir": Path(folder) / str(rounds // 2)})
            _round(spark, own, topics, rows, ends=ends, over=over)
            rounds += 1
    return rounds


def insist_on_java(spark: SparkSession) -> None:
    """Ask Java something.

    Raises
    ------
    StopQueryError
        When it does not answer.
    """
    try:
        spark.sparkContext.statusTracker().getActiveStageIds()
    except Exception as error:
        raise StopQueryError(f"the Java process of the standby is gone: {error}") from error


def _round(
    spark: SparkSession,
    settings: ProcessingSettings,
    topics: Topics,
    rows: Mapping[str, DataFrame],
    *,
    ends: Offsets,
    over: Callable[[], bool],
) -> None:
    pace = Pace(_INTERVAL_S)
    queries: list[StreamingQuery] = []
    try:
        for name, each in rows.items():
            queries.append(start(each.where(_NOTHING), name, settings, topics, pace))
        while not (over() or all(_has_read(query, ends) for query in queries)):
            time.sleep(_LOOK_EVERY_S)
    finally:
        for query in queries:
            stop_with_tasks(spark, query)


def _has_read(query: StreamingQuery, ends: Offsets) -> bool:
    fail_if_ended(query)
    interval = last_interval(query)
    return interval is not None and has_read([interval], ends)
