"""The features of a history's events beside what became known of them: the table that models are trained and tested on."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from models.plan import WINDOW_START, Plan
from processing.history import read_history, verdicts
from processing.session import spark_session
from processing.stages import featurise, first_only, history_stage

CONF: Final = {
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.execution.arrow.pyspark.fallback.enabled": "false",
    # Else a small table counts as a constant, which the planner evaluates by itself, without compiled code.
    "spark.sql.execution.arrow.localRelationThreshold": "0",
}
"""Spark settings for small tables between Spark and pandas."""


@dataclass(frozen=True)
class Span:
    """Event times from `start_ms` to before `end_ms`, milliseconds since the epoch."""

    start_ms: int
    end_ms: int

    @property
    def days(self) -> float:
        """Its length in days."""
        return (self.end_ms - self.start_ms) / 86_400_000

    def of(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return the rows whose event time lies within."""
        return rows[(rows.event_time >= self.start_ms) & (rows.event_time < self.end_ms)]


BRIEF_ROWS: Final = 500_000
"""Up to so many rows of history Java's second compiler takes longer than it saves, on two cores."""


def table_session(java: Path, memory: str, history: Path) -> AbstractContextManager[SparkSession]:
    """Return a session for tables between Spark and pandas.

    Parameters
    ----------
    memory
        Heap of its Java process, as in `2g`.
    history
        The file that is read in it, by `processing.history.write_history`.
    """
    brief = pq.read_metadata(history).num_rows <= BRIEF_ROWS
    return spark_session(java, [], slots=2, memory=memory, log_level="ERROR", conf=CONF, brief=brief)


def labelled(spark: SparkSession, plan: Plan, history: Path, span: Span | None = None) -> pd.DataFrame:
    """Return one row per scored event, in order of event time.

    Parameters
    ----------
    history
        A file by `processing.history.write_history`.
    span
        Only these events; their features see all that lies before. None: all.

    Returns
    -------
    pandas.DataFrame
        Columns event_id, event_time, the entity and the amount where the event has one, the features,
        `verdict` (fraud or not, null without a label), `known_at` (milliseconds since the epoch).
    """
    events = first_only(featurise(read_history(spark, history), plan, history_stage), plan)
    if span is not None:
        events = events.where(f"event_time >= {span.start_ms}L and event_time < {span.end_ms}L")
        # Follows from that line, and lets Spark leave out windows in which no such event is kept.
        events = events.where(f"{WINDOW_START} + {plan.overlap_ms}L < {span.end_ms}L")
    own = [name for name in ("amount",) if name in plan.fields]
    columns = dict.fromkeys(["event_id", "event_time", plan.entity, *own, *plan.features])
    table = events.select(*columns).toPandas()
    rows = table.merge(verdicts(history), on="event_id", how="left")
    return rows.sort_values(["event_time", "event_id"], ignore_index=True)


def span_read(plan: Plan, span: Span, label_delay_ms: int) -> Span:
    """Return the events that a history needs so that the features within the span are complete."""
    return Span(plan.windows.start(span.start_ms) - label_delay_ms, span.end_ms)
