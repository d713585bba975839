"""Plans optimized once, at the start of a query: Spark does it again for each interval, and always comes to the same.

Between two intervals a query is silent, and planning is most of that. So it gets a plan that Spark's own optimizer has
been through, and the rules that may be left out are left out from then on.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, cast

from pyspark.sql import DataFrame, SparkSession

_EXCLUDED: Final = "spark.sql.optimizer.excludedRules"


def optimized(rows: DataFrame) -> DataFrame:
    """Return the same streaming rows by the plan that Spark's optimizer makes of theirs."""
    session = _java(rows.sparkSession)
    analyzed = cast("Any", rows)._jdf.queryExecution().analyzed()  # noqa: SLF001 - see `_java`
    plan = _optimizer(session).execute(analyzed.clone())
    dataset = cast("Any", rows.sparkSession)._jvm.org.apache.spark.sql.classic.Dataset  # noqa: SLF001 - see `_java`
    return DataFrame(dataset.ofRows(session, plan), rows.sparkSession)


@contextmanager
def optimized_no_more(spark: SparkSession) -> Iterator[None]:
    """Let queries that start within the block plan their intervals without the rules that Spark can do without."""
    spark.conf.set(_EXCLUDED, ",".join(_rules(_optimizer(_java(spark)))))
    try:
        yield
    finally:
        spark.conf.unset(_EXCLUDED)


def _rules(optimizer: Any) -> list[str]:
    """Return the names of the rules that may be left out."""
    needed = set(_all_of(optimizer.nonExcludableRules()))
    rules = [rule.ruleName() for batch in _all_of(optimizer.batches()) for rule in _all_of(batch.rules())]
    return [name for name in dict.fromkeys(rules) if name not in needed]


def _all_of(sequence: Any) -> list[Any]:
    return [sequence.apply(number) for number in range(sequence.size())]


def _optimizer(session: Any) -> Any:
    return session.sessionState().optimizer()


def _java(spark: SparkSession) -> Any:
    return cast("Any", spark)._jsparkSession  # noqa: SLF001 - pyspark shows nobody the plans that it hands to Spark
