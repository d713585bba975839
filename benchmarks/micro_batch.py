"""The baseline: the same features as plain PySpark does them, micro-batches with transformWithState in Python.

Two keyed stages as in the product (card, then terminal), decayed sums in Python per key, the same score text.
Records are parsed without any check, which the product does; the baseline has that for free.
"""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that every Spark user knows
from pyspark.sql.streaming.stateful_processor import StatefulProcessor, StatefulProcessorHandle
from pyspark.sql.types import (
    ArrayType,
    BooleanType,
    DoubleType,
    LongType,
    StringType,
    StructField,
    StructType,
)

from benchmarks.python_features import CardFeatures, TerminalFeatures
from models import schema
from models.artifact import Artifact
from models.events import Label, Transaction
from processing.query import STREAMING_CONF
from processing.session import spark_session
from processing.source import records
from processing.stages import with_score
from processing.topics import Topics

_EVENT: Final = [
    StructField("event_id", StringType()),
    StructField("event_time", LongType()),
    StructField("card", StringType()),
    StructField("terminal", StringType()),
    StructField("amount", DoubleType()),
    StructField("fraud", BooleanType()),
    StructField("ingested_at", LongType()),
]
_CARD: Final = [StructField(name, DoubleType()) for name in CardFeatures().take(0, "", 0.0)]
_TERMINAL: Final = [
    StructField(name, DoubleType()) for name in TerminalFeatures().take(0, CardFeatures().take(0, "", 0.0))
]
_AFTER_CARD: Final = StructType([*_EVENT, *(f for f in _CARD if f.name != "amount")])
_CARD_STATE: Final = StructType(
    [
        StructField("sums", ArrayType(DoubleType())),
        StructField("times", ArrayType(LongType())),
        StructField("ids", ArrayType(StringType())),
        StructField("amounts", ArrayType(DoubleType())),
    ]
)
_TERMINAL_STATE: Final = StructType([StructField("sums", ArrayType(DoubleType()))])


class _Card(StatefulProcessor):
    """A card's features, kept as arrays."""

    def init(self, handle: StatefulProcessorHandle) -> None:
        self._state = handle.getValueState("card", _CARD_STATE)

    def close(self) -> None:
        """Nothing is held open."""

    def handleInputRows(self, key: Any, rows: Iterator[Row], timerValues: Any) -> Iterator[Row]:  # noqa: ARG002, N802, N803 - Spark's names
        kept = self._state.get()
        card = CardFeatures() if kept is None else CardFeatures(kept[0], list(zip(*kept[1:], strict=True)))
        for row in rows:
            taken = dict.fromkeys(f.name for f in _CARD[1:])
            if row.fraud is None:
                taken = card.take(row.event_time, row.event_id, row.amount)
            yield Row(**(row.asDict() | taken))
        times, ids, amounts = zip(*card.recent, strict=True) if card.recent else ((), (), ())
        self._state.update((list(card.sums), list(times), list(ids), list(amounts)))


class _Terminal(StatefulProcessor):
    """A terminal's features, kept as an array."""

    def init(self, handle: StatefulProcessorHandle) -> None:
        self._state = handle.getValueState("terminal", _TERMINAL_STATE)

    def close(self) -> None:
        """Nothing is held open."""

    def handleInputRows(self, key: Any, rows: Iterator[Row], timerValues: Any) -> Iterator[Row]:  # noqa: ARG002, N802, N803 - Spark's names
        kept = self._state.get()
        terminal = TerminalFeatures() if kept is None else TerminalFeatures(kept[0])
        for row in rows:
            if row.fraud is None:
                values = row.asDict()
                yield Row(**(values | terminal.take(row.event_time, values)))
            else:
                terminal.label(row.event_time, fraud=row.fraud)
        self._state.update((list(terminal.sums),))


def run(
    topics: Topics, artifact: Artifact, *, work: Path, java: Path, jars: Sequence[Path], stop: threading.Event
) -> None:
    """Run the baseline until stopped."""
    conf = {**STREAMING_CONF, "spark.sql.shuffle.partitions": "2"}
    with spark_session(java, jars, slots=4, memory="2g", log_level="error", conf=conf) as spark:
        query = (
            _scored(spark, topics, artifact)
            .writeStream.format("kafka")
            .option("kafka.bootstrap.servers", topics.bootstrap_servers)
            .option("topic", topics.scores)
            .option("checkpointLocation", str(work))
            .outputMode("update")
            .start()
        )
        while not stop.wait(0.25) and query.isActive:
            pass
        if (error := query.exception()) is not None:
            raise error
        query.stop()


def _scored(spark: SparkSession, topics: Topics, artifact: Artifact) -> DataFrame:
    sales = _parsed(spark, topics, Transaction, "e.amount, cast(null as boolean) as fraud")
    labels = _parsed(spark, topics, Label, "cast(null as double) as amount, e.fraud")
    card = (
        sales.unionByName(labels).groupBy("card").transformWithState(_Card(), _AFTER_CARD, "update", "none")
    )
    both = StructType([*_AFTER_CARD.fields, *_TERMINAL])
    rows = card.groupBy("terminal").transformWithState(_Terminal(), both, "update", "none")
    rows = with_score(rows, artifact.compiled)
    value = F.to_json(F.struct("event_id", "ingested_at", "score", *artifact.plan.features))
    return rows.select(F.col("card").alias("key"), value.alias("value"))


def _parsed(spark: SparkSession, topics: Topics, event_type: Any, verdict: str) -> DataFrame:
    raw = records(spark, topics.bootstrap_servers, topics.sources[event_type.__struct_config__.tag])
    parsed = raw.selectExpr(f"{schema.parse_sql(event_type)} as e", "unix_millis(timestamp) as ingested_at")
    own = ", ".join(f"e.{name}" for name in ("event_id", "event_time", "card", "terminal"))
    return parsed.selectExpr(*f"{own}, {verdict}, ingested_at".split(", "))
