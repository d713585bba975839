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
from pyspark.sql.types import BooleanType, DoubleType, LongType, StringType, StructField, StructType

from benchmarks.reference import DAY
from benchmarks.reference import HALF_LIVES as DAYS
from models import schema
from models.artifact import Artifact
from models.events import Label, Transaction
from processing.query import STREAMING_CONF
from processing.session import spark_session
from processing.source import records
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
_CARD: Final = [StructField(f"card_{kind}_{d}d", DoubleType()) for d in DAYS for kind in ("count", "mean")]
_TERMINAL: Final = [
    StructField(f"terminal_{kind}_{d}d", DoubleType()) for d in DAYS for kind in ("count", "risk")
]
_SUMS: Final = StructType(
    [StructField("time", LongType()), *(StructField(f"s{i}", DoubleType()) for i in range(9))]
)


class _Decayed(StatefulProcessor):
    """Nine sums per key that decay with the event time."""

    names: tuple[str, ...]

    def init(self, handle: StatefulProcessorHandle) -> None:
        self._state = handle.getValueState("sums", _SUMS)

    def close(self) -> None:
        """Nothing is held open."""

    def handleInputRows(self, key: Any, rows: Iterator[Row], timerValues: Any) -> Iterator[Row]:  # noqa: ARG002, N802, N803 - Spark's names
        kept = self._state.get()
        time, *sums = kept if kept is not None else (0, *[0.0] * 9)
        for row in rows:
            age = row.event_time - time
            sums = [s * 2.0 ** (-age / (DAYS[i % 3] * DAY)) for i, s in enumerate(sums)]
            time = row.event_time
            sums = [s + a for s, a in zip(sums, self.added(row), strict=True)]
            yield Row(**row.asDict(), **dict(zip(self.names, self.values(sums), strict=True)))
        self._state.update((time, *sums))

    def added(self, row: Row) -> list[float]:
        raise NotImplementedError

    def values(self, sums: list[float]) -> list[float]:
        raise NotImplementedError


class _Card(_Decayed):
    names = tuple(f.name for f in _CARD)

    def added(self, row: Row) -> list[float]:
        sale = row.fraud is None
        return [float(sale)] * 3 + [row.amount if sale else 0.0] * 3 + [0.0] * 3

    def values(self, sums: list[float]) -> list[float]:
        return [v for i in range(3) for v in (sums[i], sums[i + 3] / sums[i] if sums[i] else 0.0)]


class _Terminal(_Decayed):
    names = tuple(f.name for f in _TERMINAL)

    def added(self, row: Row) -> list[float]:
        label = row.fraud is not None
        return [float(not label)] * 3 + [float(label)] * 3 + [float(bool(row.fraud))] * 3

    def values(self, sums: list[float]) -> list[float]:
        return [v for i in range(3) for v in (sums[i], sums[i + 6] / sums[i + 3] if sums[i + 3] else 0.0)]


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
        sales.unionByName(labels)
        .groupBy("card")
        .transformWithState(_Card(), StructType([*_EVENT, *_CARD]), "update", "none")
    )
    both = StructType([*_EVENT, *_CARD, *_TERMINAL])
    rows = (
        card.groupBy("terminal")
        .transformWithState(_Terminal(), both, "update", "none")
        .where("fraud is null")
    )
    rows = rows.selectExpr(
        "*", *(f"{sql} as {name}" for name, sql in artifact.plan.row_values.items() if name != "amount")
    )
    value = F.to_json(
        F.struct(
            "event_id", "ingested_at", F.expr(artifact.compiled.score).alias("score"), *artifact.plan.features
        )
    )
    return rows.select(F.col("card").alias("key"), value.alias("value"))


def _parsed(spark: SparkSession, topics: Topics, event_type: Any, verdict: str) -> DataFrame:
    raw = records(spark, topics.bootstrap_servers, topics.sources[event_type.__struct_config__.tag])
    parsed = raw.selectExpr(f"{schema.parse_sql(event_type)} as e", "unix_millis(timestamp) as ingested_at")
    own = ", ".join(f"e.{name}" for name in ("event_id", "event_time", "card", "terminal"))
    return parsed.selectExpr(*f"{own}, {verdict}, ingested_at".split(", "))
