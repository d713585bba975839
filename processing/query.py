"""The queries of one Spark session: a scoring query per model and, beside it, the stateless reject query."""

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial, reduce
from pathlib import Path
from typing import Any, Final

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that every Spark user knows
from pyspark.sql.streaming.query import StreamingQuery
from pyspark.sql.streaming.readwriter import DataStreamWriter

from models.events import EVENT_TYPES, LABELS, Event, read_for, tag_of
from models.plan import may_be_seen_sql
from models.service import Service
from processing.errors import StopQueryError
from processing.lane import handed_over, has_lane, lane_name, taken_over
from processing.optimizing import optimized, optimized_no_more
from processing.pace import Pace
from processing.progress import Changes, Interval, Watch, watch_queries
from processing.room import insist_on_room
from processing.routing import routed
from processing.session import spark_session
from processing.settings import ProcessingSettings
from processing.source import dead_letters, records, scorable_rows, valid_rows
from processing.stages import featurise, streaming_stage
from processing.steering import Steering
from processing.stopping import stop_with_tasks
from processing.topics import Topics

SPARE_SLOTS: Final = 16
"""Tasks beyond those of the first services, so that more can be served without a new session; idle, they cost nothing."""

STREAMING_CONF: Final = {
    "spark.sql.streaming.stateStore.providerClass": "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider",
    "spark.sql.streaming.stateStore.rocksdb.changelogCheckpointing.enabled": "true",
    "spark.sql.streaming.stateStore.rocksdb.trackTotalNumberOfRows": "false",
    # Hadoop's own local files start a process, chmod, for each file and its checksum: 40 ms where these take 1
    "spark.hadoop.fs.file.impl": "com.globalmentor.apache.hadoop.fs.BareLocalFileSystem",
    "spark.sql.streaming.checkpointFileManagerClass": "org.apache.spark.sql.execution.streaming.checkpointing.FileSystemBasedCheckpointFileManager",
    # no streaming query can use it, and each says so
    "spark.sql.adaptive.enabled": "false",
    # these plans have nothing to infer
    "spark.sql.constraintPropagation.enabled": "false",
    # two keyed stages in update mode: Spark's check knows only append mode
    "spark.sql.streaming.statefulOperator.checkCorrectness.enabled": "false",
}


def run_query(
    settings: ProcessingSettings,
    topics: Topics,
    steering: Steering,
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
    steering
        What they serve, now and later.
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
        When Java does not start, a query fails, or the checkpoints have no room.
    """
    insist_on_room(settings.checkpoint_dir, settings.checkpoint_free_mb)
    with session_of(settings, java, jars, slots_for(settings, topics, steering.services)) as spark:
        run_in(
            spark,
            settings,
            topics,
            steering,
            stop=stop,
            until_idle=until_idle,
            watch=watch,
            report=report,
        )


def run_in(
    spark: SparkSession,
    settings: ProcessingSettings,
    topics: Topics,
    steering: Steering,
    *,
    stop: threading.Event,
    until_idle: bool,
    watch: Watch,
    report: Callable[[str], None],
) -> None:
    """Do what `run_query` does, in a session that was made before."""
    insist = partial(insist_on_room, settings.checkpoint_dir, settings.checkpoint_free_mb)
    insist()
    interval = settings.idle_interval_s if until_idle else settings.interval_s
    slots = spark.sparkContext.defaultParallelism
    pace = Pace(interval, together=len(steering.services) + 1)
    scoring = _Scoring(spark, settings, topics, pace, slots - _slots_of_rejects(topics), report)
    queries = [scoring.start(service) for service in steering.services]
    queries.append(start(rejected(spark, topics), rejects_name(topics), settings, topics, scoring.pace))
    report(f"{len(queries)} queries run in {slots} slots, interval {interval} s")
    changes = Changes(
        replaced=lambda query, done: scoring.replaced(query, done, steering),
        added=lambda: [
            *(scoring.start(service) for service in steering.added()),
            *scoring.new_lanes(),
        ],
        left=lambda query: query.runId in scoring.ended,
    )
    watched = Watch(scoring.of_sources(watch.interval), watch.end_offsets)
    watch_queries(queries, stop, until_idle=until_idle, watch=watched, changes=changes, insist=insist)


def session_of(
    settings: ProcessingSettings, java: Path, jars: Sequence[Path], slots: int
) -> AbstractContextManager[SparkSession]:
    """Return a session for real-time queries; `slots` is how many tasks may run at once."""
    conf = {
        **STREAMING_CONF,
        "spark.sql.shuffle.partitions": str(settings.shuffle_partitions),
        "spark.shuffle.streaming.networkBufferMaxWaitTimeMs": str(settings.network_wait_ms),
    }
    return spark_session(
        java,
        jars,
        slots=slots,
        memory=settings.memory,
        log_level=settings.log_level,
        conf=conf,
        brief=settings.brief,
    )


@dataclass(frozen=True)
class _Scoring:
    """Starts and replaces the scoring queries of a session.

    Attributes
    ----------
    pace
        When their intervals end.
    slots
        How many tasks they may have together.
    served
        What each of them serves, by its name.
    lanes
        The query of the Python lane behind each of them that has one, by its name.
    starting, ended
        Lanes that nobody watches yet, and run ids of those that were stopped.
    """

    spark: SparkSession
    settings: ProcessingSettings
    topics: Topics
    pace: Pace
    slots: int
    report: Callable[[str], None]
    served: dict[str, Service] = field(default_factory=dict)
    lanes: dict[str, StreamingQuery] = field(default_factory=dict)
    starting: list[StreamingQuery] = field(default_factory=list)
    ended: set[Any] = field(default_factory=set)

    def start(self, service: Service) -> StreamingQuery:
        """Start the query of a service."""
        self.served[service.query] = service
        if service.event not in self.topics.sources:
            raise StopQueryError(
                f"{service.query} reads a topic that this session does not: a restart adds it"
            )
        if _slots(self.settings, self.topics, self.served.values()) > self.slots:
            raise StopQueryError(
                f"{service.query} needs more slots than the session has: a restart gives them"
            )
        self.report(f"{service.query}: {describe(service)}")
        if has_lane(service):
            lane = start_lane(self.spark, self.settings, self.topics, service)
            self.lanes[service.query] = lane
            self.starting.append(lane)
        return start_scoring(self.spark, self.settings, self.topics, service, self.pace)

    def new_lanes(self) -> list[StreamingQuery]:
        """Return the lanes that were started since the last call."""
        new = list(self.starting)
        self.starting.clear()
        return new

    def of_sources(self, take: Callable[[Interval], None]) -> Callable[[Interval], None]:
        """Return a function that passes on the intervals of queries that read the sources."""
        return lambda done: None if done.query in {lane_name(query) for query in self.lanes} else take(done)

    def replaced(
        self, query: StreamingQuery, interval: Interval, steering: Steering
    ) -> StreamingQuery | None:
        """Put another query in this one's place if the steering wants that."""
        take_over = steering.change(interval) if interval.query in self.served else None
        if take_over is None:
            return None
        stop_with_tasks(self.spark, query)
        del self.served[interval.query]
        lane = self.lanes.pop(interval.query, None)
        if lane is not None:
            lane.processAllAvailable()  # what was committed is not handed over again
            stop_with_tasks(self.spark, lane)
            self.ended.add(lane.runId)
        return self.start(take_over())


def describe(service: Service) -> str:
    """Return what a service does, for people."""
    champion, *shadows = [scorer.artifact.version for scorer in service.scorers]
    acts = f"{champion} acts"
    return f"{acts}, beside it {', '.join(shadows)}" if shadows else acts


def scored(spark: SparkSession, settings: ProcessingSettings, topics: Topics, service: Service) -> DataFrame:
    """Return the streaming rows of one service: Kafka columns `topic`, `key` and `value`."""
    features = _features(spark, settings, topics, service)
    return handed_over(features, service, topics) if has_lane(service) else routed(features, service, topics)


def _features(
    spark: SparkSession, settings: ProcessingSettings, topics: Topics, service: Service
) -> DataFrame:
    event_type = EVENT_TYPES[service.event]
    events = _valid(spark, topics, event_type, may_be_seen_sql(service.layout))
    label_type = LABELS.get(event_type)
    labels = None if label_type is None else _valid(spark, topics, label_type)
    rows = scorable_rows(events, labels, service.layout.fields)
    rows = rows.withWatermark("t", f"{settings.watermark_delay_hours} hours")
    return featurise(rows, service.layout, streaming_stage)


def start_scoring(
    spark: SparkSession, settings: ProcessingSettings, topics: Topics, service: Service, pace: Pace
) -> StreamingQuery:
    """Start the query of a service on its own checkpoint."""
    return start(scored(spark, settings, topics, service), service.query, settings, topics, pace)


def start_lane(
    spark: SparkSession, settings: ProcessingSettings, topics: Topics, service: Service
) -> StreamingQuery:
    """Start the Python lane of a service: micro-batches over what its query hands over."""
    taken = taken_over(spark, _features(spark, settings, topics, service), service, topics)
    name = lane_name(service.query)
    return _writing(routed(taken, service, topics), name, settings, topics).outputMode("append").start()


def rejected(spark: SparkSession, topics: Topics) -> DataFrame:
    """Return the streaming rows of all that is no valid event: Kafka columns `topic`, `key` and `value`."""
    letters = [
        dead_letters(_raw(spark, topics, topic), EVENT_TYPES[tag]) for tag, topic in topics.sources.items()
    ]
    return reduce(DataFrame.unionByName, letters).withColumn("topic", F.lit(topics.dead_letters))


def rejects_name(topics: Topics) -> str:
    """Return the name of the reject query: a checkpoint belongs to the topics that it was begun with."""
    return "-".join(["rejects", *sorted(topics.sources)])


def start(
    rows: DataFrame, name: str, settings: ProcessingSettings, topics: Topics, pace: Pace
) -> StreamingQuery:
    """Start a real-time query that writes these rows, on the checkpoint of its name."""
    writer = _writing(optimized(rows), name, settings, topics).outputMode("update")
    trigger = writer.trigger(realTime=f"{pace.of(name)} milliseconds")  # type: ignore[call-overload] # missing in pyspark's stubs
    with optimized_no_more(rows.sparkSession):
        started: StreamingQuery = trigger.start()
    return started


def _writing(rows: DataFrame, name: str, settings: ProcessingSettings, topics: Topics) -> DataStreamWriter:
    return (
        rows.writeStream.format("kafka")
        .queryName(name)
        .option("kafka.bootstrap.servers", topics.bootstrap_servers)
        .option("checkpointLocation", str((settings.checkpoint_dir / name).resolve()))
    )


def _valid(
    spark: SparkSession, topics: Topics, event_type: type[Event], condition: str = "true"
) -> DataFrame:
    raw = _raw(spark, topics, topics.sources[tag_of(event_type)])
    return valid_rows(raw.where(condition), event_type)


def _raw(spark: SparkSession, topics: Topics, topic: str) -> DataFrame:
    return records(spark, topics.bootstrap_servers, topic, topics.starting(topic))


def slots_for(settings: ProcessingSettings, topics: Topics, services: Iterable[Service]) -> int:
    """Return how many tasks a session for these services, the reject query and some more services runs at once."""
    return _slots_of_rejects(topics) + _slots(settings, topics, services) + SPARE_SLOTS


def _slots_of_rejects(topics: Topics) -> int:
    return sum(topics.partitions[topic] for topic in topics.sources.values())


def _slots(settings: ProcessingSettings, topics: Topics, services: Iterable[Service]) -> int:
    """Count the tasks that run at once: every source partition and every state partition of every query."""
    return sum(slots_of(settings, topics, service) for service in services)


def slots_of(settings: ProcessingSettings, topics: Topics, service: Service) -> int:
    """Return how many tasks a service's query runs at once."""
    partitions = sum(topics.partitions[topics.sources[tag]] for tag in read_for(service.event))
    stages = len(service.layout.stages) + service.layout.counts_once
    return partitions + settings.shuffle_partitions * stages
