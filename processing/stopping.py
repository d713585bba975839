"""The end of a query: when it has stopped, and when the last of its tasks has ended too."""

import time
from typing import Final

from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from processing.errors import StopQueryError

_PATIENCE_S: Final = 60.0
_POLL_S: Final = 0.05
_CALM_S: Final = 0.5
"""A task that was started in the moment of the stop is in no count yet; it ends before it has read anything."""


def stop_with_tasks(spark: SparkSession, query: StreamingQuery) -> None:
    """Stop a query and return when none of its tasks runs: from then on it writes nothing.

    Raises
    ------
    StopQueryError
        When a task does not end.
    """
    group = str(query.runId)
    query.stop()
    deadline = time.monotonic() + _PATIENCE_S
    calm_since = time.monotonic()
    while time.monotonic() - calm_since < _CALM_S:
        time.sleep(_POLL_S)
        if _runs(spark, group):
            calm_since = time.monotonic()
        if time.monotonic() > deadline:
            raise StopQueryError(f"query {query.name} has tasks that do not end")


def _runs(spark: SparkSession, group: str) -> bool:
    """Whether a job of this group goes on, or has a task that does: tasks are told to end, and take their time."""
    tracker = spark.sparkContext.statusTracker()
    for job in map(tracker.getJobInfo, tracker.getJobIdsForGroup(group)):
        if job is not None:
            stages = map(tracker.getStageInfo, job.stageIds)
            if job.status == "RUNNING" or any(stage and stage.numActiveTasks for stage in stages):
                return True
    return False
