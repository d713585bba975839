"""A plan applied to a DataFrame: as streaming aggregates for live events, as window functions for history.

Both run the same SQL text, so that a feature in training is the feature in production. Rows have the fields
of the scored event, `fraud` (null on events, a verdict on labels) and a timestamp column `t`.
"""

from collections.abc import Callable
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that every Spark user knows

from models.algebra import IS_EVENT, IS_LABEL
from models.compiled import Compiled
from models.plan import AGAIN, WINDOW_START, Plan, Stage, only_sql

StageRunner = Callable[[DataFrame, Stage], DataFrame]

ARRIVAL: Final = "arrival"
"""Column that orders history: the row number in which the events arrived."""

_SENT: Final = Stage("sent", {"times": "count(*)"}, {}, {AGAIN: "times > 1"})
"""How often an event or label has come."""


def featurise(rows: DataFrame, plan: Plan, stage: StageRunner) -> DataFrame:
    """Return one row per scored event with its fields, features and arrival counters.

    Parameters
    ----------
    rows
        Events and labels.
    plan
        The compiled features.
    stage
        `streaming_stage` or `history_stage`.
    """
    kept = staged(rows, plan, stage).where(f"{IS_EVENT} and event_time >= {WINDOW_START} + {plan.overlap_ms}")
    new = {name: sql for name, sql in plan.row_values.items() if name not in plan.fields}
    return kept.select("*", *_named(new))


def staged(rows: DataFrame, plan: Plan, stage: StageRunner) -> DataFrame:
    """Return every row, labels too, once per window that it falls into, as it leaves the last stage."""
    length, stride = f"{plan.windows.length_ms} milliseconds", f"{plan.stride_ms} milliseconds"
    seen = rows.where(only_sql(plan)) if plan.only else rows
    seen = _told_apart(seen, plan, stage) if plan.counts_once else seen
    keyed = seen.withColumn("win", F.window("t", length, stride)).drop("t")
    keyed = keyed.select("*", *_named(plan.inputs))
    for step in plan.stages:
        keyed = stage(keyed, step)
    return keyed


def first_only(rows: DataFrame, plan: Plan) -> DataFrame:
    """Return rows without those of events that came before, where the plan knows them."""
    return rows.where(f"not {AGAIN}") if plan.counts_once else rows


def _told_apart(rows: DataFrame, plan: Plan, stage: StageRunner) -> DataFrame:
    """Add whether a row's event or label came before; what is known of it is let go of when it would be late.

    The time that is left lies in the same cell, hence in the same landmark windows.
    """
    cell = F.window("t", f"{plan.cell_ms} milliseconds")
    named = rows.withColumn("sent", F.expr(f"concat(if({IS_LABEL}, 'label ', 'event '), event_id)"))
    counted = stage(named.withColumn("win", cell).drop("t"), _SENT)
    return counted.withColumn("t", F.window_time("win")).drop("sent", "win")


def streaming_stage(rows: DataFrame, stage: Stage) -> DataFrame:
    """Add a stage's columns to every event as it passes; what is kept per key is Spark's state."""
    carried = [c for c in rows.columns if c not in (stage.key, "win")]
    last = F.expr(f"last(struct({', '.join(carried)}))").alias("event")
    kept = rows.groupBy(stage.key, "win").agg(last, *_named({**stage.accumulators, **stage.counters}))
    return kept.select(stage.key, "win", "event.*", *stage.accumulators, *stage.counters).select(
        stage.key, "win", *carried, *stage.counters, *_named(stage.values)
    )


def history_stage(rows: DataFrame, stage: Stage) -> DataFrame:
    """Add the same columns to every row of a history, in the order of arrival."""
    over = f"over (partition by {stage.key}, win order by {ARRIVAL} rows between unbounded preceding and current row)"
    kept = {name: f"{sql} {over}" for name, sql in {**stage.accumulators, **stage.counters}.items()}
    return rows.select("*", *_named(kept)).select("*", *_named(stage.values)).drop(*stage.accumulators)


def with_score(rows: DataFrame, compiled: Compiled) -> DataFrame:
    """Add the column `score`, and the columns that it is computed from."""
    for layer in compiled.layers:
        rows = rows.select("*", *_named(layer))
    return rows.select("*", F.expr(compiled.score).alias("score"))


def _named(columns: dict[str, str]) -> list[Column]:
    return [F.expr(sql).alias(name) for name, sql in columns.items()]
