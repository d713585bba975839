"""A model over recorded events: the rows that its query would have written, by the SQL of histories."""

from pathlib import Path
from typing import Final

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that every Spark user knows

from models import scores
from models.artifact import Artifact
from models.scores import Score
from models.service import Service, alone
from processing.history import read_history
from processing.labelled import Span, table_session
from processing.lane import has_lane, scored_in_python
from processing.routing import routed
from processing.stages import ARRIVAL, featurise, history_stage
from processing.topics import Topics

RECORDED: Final = "recorded"
"""The topic that rows name: they lie in a file, at the offset of their arrival."""

_TOPICS: Final = Topics("none", {}, {}, "features", "scores", "alerts", "dead-letters")


def score_recorded(artifact: Artifact, history: Path, span: Span, *, java: Path, memory: str) -> list[Score]:
    """Return the scores of all events within a span, in order of event time.

    Parameters
    ----------
    history
        A file by `processing.history.write_history`, from before the span on: see `processing.labelled.span_read`.
    span
        Only these events; their features see all that lies before.
    java
        The Java binary.
    memory
        Heap of Spark's Java process, as in `2g`.
    """
    service = alone(artifact)
    with table_session(java, memory, history) as spark:
        rows = routed(_features(spark, service, history, span), service, _TOPICS)
        values = rows.where(F.col("topic") == _TOPICS.scores).select("value").toPandas().value
    found = [scores.decode(value.encode()) for value in values]
    return sorted(found, key=lambda score: (score.event_time, score.offset))


def _features(spark: SparkSession, service: Service, history: Path, span: Span) -> DataFrame:
    rows = read_history(spark, history).withColumns(
        {
            "topic": F.lit(RECORDED),
            "partition": F.lit(0),
            "offset": F.col(ARRIVAL).cast("bigint"),
            "ingested_at": F.col("event_time"),
        }
    )
    features = featurise(rows, service.layout, history_stage)
    kept = features.where(f"event_time >= {span.start_ms}L and event_time < {span.end_ms}L")
    return scored_in_python(kept, service) if has_lane(service) else kept
