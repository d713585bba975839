"""Kafka records in, typed rows out: valid events for scoring, invalid records for the dead letters."""

from collections.abc import Sequence

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that every Spark user knows

from models import schema
from models.events import Event

_POSITION = ("topic", "partition", "offset", "unix_millis(timestamp) as ingested_at")


def records(spark: SparkSession, bootstrap_servers: str, topic: str, starting: str = "earliest") -> DataFrame:
    """Return the raw records of a topic; `starting` says from where for a new query, in Spark's words."""
    return (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", bootstrap_servers)
        .option("subscribe", topic)
        .option("startingOffsets", starting)
        .load()
    )


def valid_rows(raw: DataFrame, event_type: type[Event]) -> DataFrame:
    """Return the fields of every valid event with its position."""
    kept = _parsed(raw, event_type).where(f"not ({schema.invalid_sql(event_type, 'e')})")
    return kept.selectExpr(*(f"e.{name} as {name}" for name in event_type.__struct_fields__), *_POSITION)


def scorable_rows(events: DataFrame, labels: DataFrame | None, fields: Sequence[str]) -> DataFrame:
    """Return events, and labels if there are any, in one row shape, with the time column `t`; `fraud` is null on events."""
    rows = events.withColumn("fraud", F.lit(None).cast("boolean"))
    if labels is not None:
        shared = [c for c in labels.columns if c in events.columns]
        rows = rows.unionByName(labels.select(*shared, "fraud"), allowMissingColumns=True)
    return rows.select(*fields, "fraud", "topic", "partition", "offset", "ingested_at").withColumn(
        "t", F.timestamp_millis("event_time")
    )


def dead_letters(raw: DataFrame, event_type: type[Event]) -> DataFrame:
    """Return every invalid record as a dead letter: Kafka columns `key` and `value`."""
    refused = _parsed(raw, event_type).where(schema.invalid_sql(event_type, "e"))
    reason = F.expr(schema.reason_sql(event_type, "e"))
    return refused.withColumn("why", reason).selectExpr("'kafka' as key", f"{_LETTER} as value")


def _parsed(raw: DataFrame, event_type: type[Event]) -> DataFrame:
    """Parse once per record: a filter on a generator's output stays above it, one on a projection would parse again."""
    return raw.select("*", F.explode(F.array(F.expr(schema.parse_sql(event_type)))).alias("e"))


_LETTER = """to_json(struct(
    why.reason as reason,
    why.detail as detail,
    'kafka' as source,
    concat_ws('/', topic, partition, offset) as position,
    base64(substring(coalesce(value, cast('' as binary)), 1, 8192)) as payload,
    coalesce(length(value), 0) as size,
    unix_millis(timestamp) as rejected_at,
    topic, partition, offset))"""
