"""The Python lane: estimators that can't be SQL score features in Arrow batches, one Kafka hop after the query.

The real-time query computes the features and writes its rows to the topic `features`; a micro-batch query reads
them back, adds a score per estimator, and goes on as the real-time query would have. It waits for a batch to
fill, so a score takes about a second longer. Which version acts still follows from an event's place in Kafka.
"""

from collections.abc import Sequence

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that every Spark user knows
from pyspark.sql.types import DoubleType, StructField, StructType

from models.by_python import Task, column_of
from models.service import Service, live_sql, stateful_sql
from processing.source import records
from processing.topics import Topics


def lane_name(query: str) -> str:
    """Return the name of the lane's query, and of its checkpoint."""
    return f"{query}-python"


def has_lane(service: Service) -> bool:
    """Whether any version of a service is scored in Python."""
    return any(scorer.artifact.python is not None for scorer in service.scorers)


def handed_over(features: DataFrame, service: Service, topics: Topics) -> DataFrame:
    """Return the rows of the real-time query as Kafka columns for the topic `features`."""
    rows = _rows(features, service).withColumn("query", F.lit(service.query))
    value = F.expr("to_json(struct(*), map('ignoreNullFields', 'false'))")
    key, topic = F.col(service.layout.entity).alias("key"), F.lit(topics.features).alias("topic")
    return rows.select(key, value.alias("value"), topic)


def taken_over(spark: SparkSession, features: DataFrame, service: Service, topics: Topics) -> DataFrame:
    """Return the rows as they were handed over, with a score per estimator.

    Parameters
    ----------
    features
        What was handed over, for its columns.
    """
    rows = _rows(features, service)
    shape = f"{rows.schema.simpleString()[:-1]},query:string>"
    parsed = records(spark, topics.bootstrap_servers, topics.features).select(
        F.expr(f"from_json(cast(value as string), '{shape}')").alias("row")
    )
    taken = parsed.where(F.col("row.query") == service.query).select("row.*").drop("query")
    return _scored(taken, rows.schema, _tasks(service))


def scored_in_python(features: DataFrame, service: Service) -> DataFrame:
    """Return rows of a table with a score per estimator, without a topic in between."""
    rows = features.drop("win")
    return _scored(rows, rows.schema, _tasks(service))


def _scored(rows: DataFrame, shape: StructType, tasks: Sequence[Task]) -> DataFrame:
    from processing.own_scores import scorer  # noqa: PLC0415 - scikit-learn is loaded where a lane runs, it takes seconds

    added = [StructField(task.column, DoubleType()) for task in tasks]
    return rows.mapInArrow(scorer(tasks), StructType([*shape.fields, *added]))


def _rows(features: DataFrame, service: Service) -> DataFrame:
    return features.where(stateful_sql(service)).where(live_sql(service)).drop("win")


def _tasks(service: Service) -> list[Task]:
    return [
        Task(
            column_of(number),
            scorer.artifact.python,
            {f: scorer.columns[f] for f in scorer.artifact.plan.features},
        )
        for number, scorer in enumerate(service.scorers)
        if scorer.artifact.python is not None
    ]
