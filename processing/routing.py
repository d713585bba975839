"""The rows of one service: every event scored by every version, the acting one's row on its way to its topics."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that every Spark user knows

from models.service import (
    Scorer,
    Service,
    acting_numbers,
    acting_sql,
    alert_sql,
    by_acting_sql,
    live_sql,
    outputs_sql,
    push_columns,
    pushed_sql,
    row_sql,
    stateful_sql,
)
from processing.stages import with_score
from processing.topics import Topics


def routed(features: DataFrame, service: Service, topics: Topics) -> DataFrame:
    """Return the Kafka columns `topic`, `key` and `value`, one row per topic that a score goes to.

    Parameters
    ----------
    features
        One row per scored event, with all columns of the service's layout.
    """
    entity = service.layout.entity
    rows = features.where(stateful_sql(service)).where(live_sql(service))
    if not service.scorers:
        return rows.selectExpr(f"{entity} as key", "event_id as value", f"'{topics.scores}' as topic")
    for number, scorer in enumerate(service.scorers):
        rows = _scored(rows, number, scorer)
    acting = acting_numbers(service)
    value = by_acting_sql({n: row_sql(service, n) for n in acting})
    alert = by_acting_sql({n: alert_sql(service.scorers[n], n) for n in acting})
    both, one = f"array('{topics.scores}', '{topics.alerts}')", f"array('{topics.scores}')"
    return (
        rows.withColumn("acting", F.expr(acting_sql(service)))
        .select(F.col(entity).alias("key"), F.expr(value).alias("value"), F.expr(alert).alias("alert"))
        .select("key", "value", F.expr(f"explode(case when alert then {both} else {one} end)").alias("topic"))
    )


def _scored(rows: DataFrame, number: int, scorer: Scorer) -> DataFrame:
    compiled = scorer.compiled
    kept = [*map(F.col, rows.columns), F.col("score").alias(f"score_{number}")]
    if compiled.outputs:
        kept.append(F.expr(outputs_sql(compiled)).alias(f"outputs_{number}"))
    scored = with_score(rows, compiled)
    if not compiled.contributions:
        return scored.select(*kept)
    pushes = [F.expr(sql).alias(name) for name, sql in push_columns(compiled, number).items()]
    pushed = F.expr(pushed_sql(compiled, number)).alias(f"pushed_{number}")
    columns = scored.select(*kept, *pushes)
    return columns.select(*columns.columns[: len(kept)], pushed)
