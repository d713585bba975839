"""Contract checks of a model before it is trained: what `fastdata models check` runs on made-up events.

A model that passes computes the same numbers in stream, history and by definition, gives a score for every
event, and says what an event costs.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that every Spark user knows

from models.algebra import Feature
from models.checking import measurements_of
from models.events import Event
from models.explain import explain
from models.generated import generated
from models.reference import Value, by_definition
from models.spec import ModelSpec
from processing.errors import RefuseTrainingError
from processing.fitting import Fitted, fit, production_scores
from processing.history import read_history, write_history
from processing.own_scores import own_scores
from processing.session import spark_session
from processing.stages import featurise, first_only, history_stage, streaming_stage, with_score

PARITY: Final = 1e-9
"""Largest difference allowed, relative to the larger of 1 and the value."""

SKETCHED: Final = 0.05
"""The same for distinct counts, which are estimates."""

_EVENTS: Final = 400
_COST_EVENTS: Final = 20_000
_BATCHES: Final = 3
_FRAUDS: Final = 0.3
_MACHINES, _LONGEST_H = 10, 200.0
CONF: Final = {
    # one, so that every stage sees the events in the order of arrival
    "spark.sql.shuffle.partitions": "1",
    # Spark's own switch for tests: one row per event outside real-time mode too
    "spark.sql.streaming.useStreamlineAggregator": "true",
    "spark.sql.streaming.statefulOperator.checkCorrectness.enabled": "false",
}


@dataclass(frozen=True)
class Finding:
    """The outcome of one check.

    Attributes
    ----------
    check
        What was checked.
    passed
        Whether it holds.
    detail
        The figures, or what is wrong and what to do.
    """

    check: str
    passed: bool
    detail: str


Rows = Mapping[str, Mapping[str, Value]]


def check(
    spec: ModelSpec, documentation: str | None, *, java: Path, memory: str, report: Callable[[Finding], None]
) -> bool:
    """Run every check; return whether all have passed.

    Parameters
    ----------
    spec
        The model.
    documentation
        The docstring of the module that it stands in.
    java
        The Java binary.
    memory
        Heap of Spark's Java process, as in `2g`.
    report
        Takes each finding as it comes.
    """
    with spark_session(java, [], slots=2, memory=memory, log_level="ERROR", conf=CONF, brief=True) as spark:
        return check_in(spark, spec, documentation, report)


def check_in(
    spark: SparkSession, spec: ModelSpec, documentation: str | None, report: Callable[[Finding], None]
) -> bool:
    """Check a model as `check` does, in a session that has the settings `CONF`."""
    passed = True
    with tempfile.TemporaryDirectory(prefix="fastdata-check-") as folder:
        for finding in _findings(spark, Path(folder), spec, documentation):
            report(finding)
            passed = passed and finding.passed
    return passed


def _findings(
    spark: SparkSession, folder: Path, spec: ModelSpec, documentation: str | None
) -> Iterator[Finding]:
    yield _documented(documentation)
    events = generated(
        spec.event, _EVENTS, seed=1, days=_days(spec), measurements=_measured(spec), only=spec.only
    )
    defined = by_definition(spec.event, spec.features, events)
    if spec.once:
        events = with_repeats(events)
    history = _history(spark, folder / "history.parquet", spec, events)
    yield _same("history = definition", spec.features, history, defined)
    yield _same("stream = history", spec.features, _streamed(spark, folder, spec, events), history)
    rows = _table(history, spec)
    known = _with_labels(spec, rows)
    try:
        fitted = fit(spec, known)
    except (RefuseTrainingError, ValueError) as error:
        detail = f"{type(spec.estimator()).__name__} does not fit: {error}"
        yield Finding("fits", passed=False, detail=detail)
        return
    yield _deterministic(spec, known, rows, fitted)
    yield _lane(fitted, rows)
    yield _scores(spark, rows, fitted)
    yield _extreme(spark, folder, spec, fitted)
    yield _cost(spark, folder, spec, fitted)


def with_repeats(events: Sequence[Event]) -> list[Event]:
    """Return events of which some come a second time, at once and later."""
    again = {n + after: events[n] for n, after in zip(range(0, len(events), 7), cycle((1, 3, 51)))}
    return [e for n, event in enumerate(events) for e in (event, *([again[n]] if n in again else []))]


def _days(spec: ModelSpec) -> int:
    return max(20, 2 * spec.plan().stride_ms // 86_400_000)


def _documented(documentation: str | None) -> Finding:
    first = (documentation or "").strip().partition("\n")[0]
    return Finding(
        "documented", bool(first), first or "the module has no docstring: say what the model looks for"
    )


def _history(spark: SparkSession, file: Path, spec: ModelSpec, events: Sequence[Event]) -> Rows:
    write_history(events, spec.event, file)
    return _collected(featurise(read_history(spark, file), spec.plan(), history_stage), spec)


def _collected(table: DataFrame, spec: ModelSpec) -> Rows:
    names = [f.name for f in spec.features]
    rows = first_only(table, spec.plan()).select("event_id", *names).collect()
    return {r.event_id: {n: r[n] for n in names} for r in rows}


def _table(rows: Rows, spec: ModelSpec) -> pd.DataFrame:
    table = pd.DataFrame.from_dict(dict(rows), orient="index", columns=[f.name for f in spec.features])
    return table[spec.inputs].astype(float)


def _streamed(spark: SparkSession, folder: Path, spec: ModelSpec, events: Sequence[Event]) -> Rows:
    """Return the features by the streaming aggregates, in several batches with the state kept between them."""
    source = folder / "stream"
    source.mkdir()
    size = -(-len(events) // _BATCHES)
    for n in range(_BATCHES):
        write_history(events[n * size : (n + 1) * size], spec.event, source / f"{n}.parquet")
    schema = spark.read.parquet(str(source)).schema
    rows = spark.readStream.schema(schema).option("maxFilesPerTrigger", 1).parquet(str(source))
    rows = rows.withColumn("t", F.timestamp_millis("event_time")).withWatermark("t", "36500 days")
    query = (
        featurise(rows, spec.plan(), streaming_stage)
        .writeStream.format("memory")
        .queryName("streamed")
        .option("checkpointLocation", str(folder / "checkpoint"))
        .outputMode("update")
        .trigger(availableNow=True)
        .start()
    )
    query.awaitTermination()
    return _collected(spark.table("streamed"), spec)


def _same(name: str, features: Sequence[Feature], actual: Rows, expected: Rows) -> Finding:
    if set(actual) != set(expected):
        return Finding(
            name, passed=False, detail=f"{len(actual)} events have features, {len(expected)} should"
        )
    worst = {
        f.name: max(_difference(actual[e][f.name], expected[e][f.name]) for e in expected) for f in features
    }
    allowed = {f.name: SKETCHED if f.kind == "distinct" else PARITY for f in features}
    wrong = [f"{n} by {d:.2g}" for n, d in worst.items() if not d <= allowed[n]]
    largest = max(worst, key=lambda n: worst[n])
    fine = f"{len(expected)} events, {len(features)} features, largest difference {worst[largest]:.2g} ({largest})"
    return Finding(name, not wrong, f"differ: {', '.join(wrong)}" if wrong else fine)


def _difference(actual: Value, expected: Value) -> float:
    if actual is None or expected is None:
        return 0.0 if actual is expected else np.inf
    return abs(actual - expected) / max(1.0, abs(expected))


def _measured(spec: ModelSpec) -> list[str]:
    return measurements_of(spec.features) or ["value"]


def _with_labels(spec: ModelSpec, rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with made-up verdicts, and as if of some machines with made-up lives."""
    chance = np.random.default_rng(1).random(len(rows))
    machine = [f"m{n % _MACHINES}" for n in range(len(rows))]
    return rows.assign(verdict=chance < _FRAUDS, life=chance * _LONGEST_H, **{spec.event.key_field: machine})


def _deterministic(spec: ModelSpec, known: pd.DataFrame, rows: pd.DataFrame, fitted: Fitted) -> Finding:
    once = own_scores(fitted.estimator, rows)
    difference = float(np.abs(once - own_scores(fit(spec, known).estimator, rows)).max())
    wrong = f"two fits on the same rows differ by {difference:.2g}: give the estimator a random_state"
    return Finding(
        "deterministic", difference == 0, "two fits give the same scores" if difference == 0 else wrong
    )


def _lane(fitted: Fitted, rows: pd.DataFrame) -> Finding:
    if fitted.python is None:
        return Finding("lane", passed=True, detail="SQL in the query: features and estimator")
    detail = (
        f"Python, in Arrow batches behind the query: about a second of delay and {_own_cost_us(fitted, rows):.0f} us "
        f"more per event. {fitted.python.reason}"
    )
    return Finding("lane", passed=True, detail=detail)


def _own_cost_us(fitted: Fitted, rows: pd.DataFrame) -> float:
    began = time.perf_counter()
    own_scores(fitted.estimator, rows)
    return (time.perf_counter() - began) / len(rows) * 1e6


def _scores(spark: SparkSession, rows: pd.DataFrame, fitted: Fitted) -> Finding:
    scores, expected = production_scores(spark, fitted, rows), own_scores(fitted.estimator, rows)
    worst = float((np.abs(scores - expected) / np.maximum(1.0, np.abs(expected))).max())
    return Finding(
        "score = estimator's own", worst <= PARITY, f"largest difference {worst:.2g} over {len(rows)} events"
    )


def _extreme(spark: SparkSession, folder: Path, spec: ModelSpec, fitted: Fitted) -> Finding:
    events = generated(
        spec.event, _EVENTS, seed=2, days=2, measurements=_measured(spec), only=spec.only, extreme=True
    )
    rows = _table(_history(spark, folder / "extreme.parquet", spec, events), spec)
    scores = production_scores(spark, fitted, rows)
    if not np.isfinite(scores).all():
        missing = int((~np.isfinite(scores)).sum())
        detail = f"{missing} of {len(scores)} have none: impute what may be null"
        return Finding("scores of extreme events", passed=False, detail=detail)
    low, high = float(scores.min()), float(scores.max())
    inside = not fitted.probability or (low >= 0 and high <= 1)
    return Finding(
        "scores of extreme events", inside, f"{len(scores)} finite scores, {low:.3g} to {high:.3g}"
    )


def _cost(spark: SparkSession, folder: Path, spec: ModelSpec, fitted: Fitted) -> Finding:
    events = generated(
        spec.event, _COST_EVENTS, seed=3, days=30, measurements=_measured(spec), only=spec.only
    )
    write_history(events, spec.event, folder / "cost.parquet")
    table = featurise(read_history(spark, folder / "cost.parquet"), spec.plan(), history_stage)
    columns = [f.name for f in spec.features]
    if fitted.python is None:
        table, columns = with_score(table, fitted.compiled), [*columns, "score"]
    seconds = []
    for _ in range(2):
        began = time.perf_counter()
        table.select(F.sum(F.hash(*columns))).collect()
        seconds.append(time.perf_counter() - began)
    detail = f"about {min(seconds) / len(events) * 1e6:.0f} us per event in batch on this machine, before Java's second compiler"
    return Finding(
        "cost", passed=True, detail=f"{detail}, {explain(spec).state_bytes} bytes of state per key"
    )
