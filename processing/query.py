"""The queries of one Spark session: a scoring query per model and, beside it, the stateless reject query."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Final

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that every Spark user knows
from pyspark.sql.streaming.query import StreamingQuery

from models.artifact import Artifact
from models.events import EVENT_TYPES, Event, Label
from processing.progress import Watch, watch_queries
from processing.session import spark_session
from processing.settings import ProcessingSettings
from processing.source import dead_letters, records, scorable_rows, valid_rows
from processing.stages import featurise, streaming_stage, with_score


@dataclass(frozen=True)
class Topics:
    """Full topic names: events and labels in, scores, alerts and dead letters out; and how to reach them."""

    bootstrap_servers: str
    sources: Mapping[str, str]
    partitions: Mapping[str, int]
    scores: str
    alerts: str
    dead_letters: str


STREAMING_CONF: Final = {
    "spark.sql.streaming.stateStore.providerClass": "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider",
    "spark.sql.streaming.stateStore.rocksdb.changelogCheckpointing.enabled": "true",
    "spark.sql.streaming.stateStore.rocksdb.trackTotalNumberOfRows": "false",
    # planning is most of the pause between two intervals, and these plans have nothing to infer
    "spark.sql.constraintPropagation.enabled": "false",
    # two keyed stages in update mode: Spark's check knows only append mode
    "spark.sql.streaming.statefulOperator.checkCorrectness.enabled": "false",
}


def run_query(
    settings: ProcessingSettings,
    topics: Topics,
    artifacts: Sequence[Artifact],
    *,
    java: Path,
    jars: Sequence[Path],
    stop: threading.Event,
    until_idle: bool,
    watch: Watch,
    report: Callable[[str], None],
) -> None:
    """Run the scoring queries and the reject query until told to stop, or until nothing is left to read.

    Parameters
    ----------
    settings
        How the queries run.
    topics
        Where they read and write.
    artifacts
        One trained model per scoring query.
    java, jars
        The Java binary and the Kafka connector.
    stop
        Ends the queries; what they have not committed is replayed at the next start.
    until_idle
        End by itself when every source topic is read to its end and committed.
    watch
        Takes the progress of each interval and tells the end offsets of the sources.
    report
        Takes one line per change of state.

    Raises
    ------
    StopQueryError
        When Java does not start or a query fails.
    """
    interval = settings.idle_interval_s if until_idle else settings.interval_s
    conf = {
        **STREAMING_CONF,
        "spark.sql.shuffle.partitions": str(settings.shuffle_partitions),
        "spark.shuffle.streaming.networkBufferMaxWaitTimeMs": str(settings.network_wait_ms),
    }
    slots = _slots(settings, topics, artifacts)
    with spark_session(
        java, jars, slots=slots, memory=settings.memory, log_level=settings.log_level, conf=conf
    ) as spark:
        queries = [_start_scoring(spark, settings, topics, artifact, interval) for artifact in artifacts]
        queries.append(_start_rejects(spark, settings, topics, interval))
        report(f"{len(queries)} queries run in {slots} slots, interval {interval} s")
        watch_queries(queries, stop, until_idle=until_idle, watch=watch)


def scored(
    spark: SparkSession, settings: ProcessingSettings, topics: Topics, artifact: Artifact
) -> DataFrame:
    """Return the streaming rows of one model: Kafka columns `topic`, `key` and `value`."""
    event_type = EVENT_TYPES[artifact.event]
    events = _valid(spark, topics, event_type)
    rows = scorable_rows(events, _valid(spark, topics, Label), artifact.plan.fields)
    rows = rows.withWatermark("t", f"{settings.watermark_delay_hours} hours")
    features = featurise(rows, artifact.plan, streaming_stage)
    return _routed(with_score(features, artifact.compiled), artifact, topics)


def _start_scoring(
    spark: SparkSession, settings: ProcessingSettings, topics: Topics, artifact: Artifact, interval_s: int
) -> StreamingQuery:
    name = f"{artifact.name}-{artifact.version}"
    return _start(scored(spark, settings, topics, artifact), name, settings, topics, interval_s)


def _start_rejects(
    spark: SparkSession, settings: ProcessingSettings, topics: Topics, interval_s: int
) -> StreamingQuery:
    letters = [
        dead_letters(records(spark, topics.bootstrap_servers, topic), EVENT_TYPES[tag])
        for tag, topic in topics.sources.items()
    ]
    refused = reduce(DataFrame.unionByName, letters)
    routed = refused.withColumn("topic", F.lit(topics.dead_letters))
    return _start(routed, "rejects", settings, topics, interval_s)


def _start(
    rows: DataFrame, name: str, settings: ProcessingSettings, topics: Topics, interval_s: int
) -> StreamingQuery:
    started: StreamingQuery = (
        rows.writeStream.format("kafka")
        .queryName(name)
        .option("kafka.bootstrap.servers", topics.bootstrap_servers)
        .option("checkpointLocation", str((settings.checkpoint_dir / name).resolve()))
        .outputMode("update")
        .trigger(realTime=f"{interval_s} seconds")  # type: ignore[call-overload] # missing in pyspark's stubs
        .start()
    )
    return started


def _valid(spark: SparkSession, topics: Topics, event_type: type[Event]) -> DataFrame:
    tag = str(event_type.__struct_config__.tag)
    return valid_rows(records(spark, topics.bootstrap_servers, topics.sources[tag]), event_type)


def _routed(rows: DataFrame, artifact: Artifact, topics: Topics) -> DataFrame:
    value = F.expr(_score_json(artifact))
    alert = f"array('{topics.scores}', '{topics.alerts}')"
    target = F.expr(
        f"explode(case when score >= {artifact.threshold!r}D then {alert} else array('{topics.scores}') end)"
    )
    entity = artifact.plan.entity
    return rows.select(F.col(entity).alias("key"), value.alias("value"), "score").select(
        "key", "value", target.alias("topic")
    )


def _score_json(artifact: Artifact) -> str:
    plan = artifact.plan
    own = [name for name in plan.fields if name not in ("event_id", "event_time")]
    counters = [name for stage in plan.stages for name in stage.counters]
    members = {
        "event_id": "event_id",
        "event_time": "event_time",
        "entity": plan.entity,
        "model": f"'{artifact.name}'",
        "version": f"'{artifact.version}'",
        "score": "score",
        "threshold": f"{artifact.threshold!r}D",
        "features": f"struct({', '.join(plan.features)})",
        "event": f"struct({', '.join(own)})",
        "arrivals": f"struct({', '.join(counters)})",
        "topic": "topic",
        "partition": "partition",
        "offset": "offset",
        "ingested_at": "ingested_at",
    }
    pairs = ", ".join(f"'{name}', {sql}" for name, sql in members.items())
    return f"to_json(named_struct({pairs}), map('ignoreNullFields', 'false'))"


def _slots(settings: ProcessingSettings, topics: Topics, artifacts: Sequence[Artifact]) -> int:
    """Count the tasks that run at once: every source partition and every state partition of every query."""
    rejects = sum(topics.partitions[topic] for topic in topics.sources.values())
    scoring = 0
    for artifact in artifacts:
        inputs = (topics.sources[artifact.event], topics.sources["label"])
        scoring += sum(topics.partitions[topic] for topic in inputs)
        scoring += settings.shuffle_partitions * len(artifact.plan.stages)
    return rejects + scoring
