"""What each kind of feature costs: `python -m benchmarks.features`.

One streaming aggregation per kind over the same made-up transactions, in one warm Spark session, beside two counts
alone: the difference in CPU time per event and in state per key. Rows come from Parquet in
batches, so Kafka's share is in neither. Figures are medians over the rounds.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that every Spark user knows

from infra.embedded.java import java_binary
from models.events import Transaction
from models.expressions import field, log
from models.features import Entity, Feature, row
from models.generated import generated
from models.plan import compile_plan
from processing.history import write_history
from processing.session import spark_session
from processing.stages import featurise, streaming_stage

DAY: Final = 86_400_000
BATCHES: Final = 4

amount, terminal_name = field("amount"), field("terminal", "text")
card, terminal = Entity("card"), Entity("terminal")
last = card.recent(10)

ALONE: Final = [card.count(f"base_{days}", half_life_ms=days * DAY) for days in (1, 2)]
KINDS: Final[dict[str, Feature]] = {
    "row expression": row("x", log(amount + 1)),
    "count": card.count("x", half_life_ms=3 * DAY // 2),
    "sum": card.sum("x", amount, half_life_ms=DAY),
    "mean": card.mean("x", amount, half_life_ms=DAY),
    "variance": card.variance("x", amount, half_life_ms=DAY),
    "deviation": card.deviation("x", amount, half_life_ms=DAY),
    "rate": card.rate("x", half_life_ms=3 * DAY // 2),
    "slope": card.slope("x", amount, half_life_ms=DAY),
    "risk": card.risk("x", half_life_ms=DAY),
    "frauds": card.frauds("x", half_life_ms=DAY),
    "labels": card.labels("x", half_life_ms=DAY),
    "distinct (sketch)": card.distinct("x", terminal_name),
    "recent(10) count": last.count("x", within_ms=DAY),
    "recent(10) sum": last.sum("x", amount, within_ms=DAY),
    "recent(10) mean": last.mean("x", amount, within_ms=DAY),
    "recent(10) min": last.min("x", amount, within_ms=DAY),
    "recent(10) max": last.max("x", amount, within_ms=DAY),
    "recent(10) distinct": last.distinct("x", terminal_name, within_ms=DAY),
    "previous": card.recent(2).previous("x", amount),
    "change": card.recent(2).change("x", amount),
    "since": card.recent(2).since("x"),
    "distance": card.recent(2).distance("x", amount / 10, amount / 5),
    "speed": card.recent(2).speed("x", amount / 10, amount / 5),
    "second entity: count": terminal.count("x", half_life_ms=DAY),
}


@dataclass(frozen=True)
class Cost:
    """CPU microseconds per event, and bytes of state per key and window, summed over the stages."""

    cpu_us: float
    state_bytes: float

    def __sub__(self, other: "Cost") -> "Cost":
        return Cost(self.cpu_us - other.cpu_us, self.state_bytes - other.state_bytes)


def measured(spark: SparkSession, source: Path, features: Sequence[Feature], events: int) -> Cost:
    """Run one streaming aggregation over all events and return what it took."""
    schema = spark.read.parquet(str(source)).schema
    rows = spark.readStream.schema(schema).option("maxFilesPerTrigger", 1).parquet(str(source))
    rows = rows.withColumn("t", F.timestamp_millis("event_time")).withWatermark("t", "36500 days")
    with tempfile.TemporaryDirectory(prefix="fastdata-cost-") as checkpoint:
        before = _cpu()
        query = (
            featurise(rows, compile_plan(Transaction, features), streaming_stage)
            .writeStream.format("noop")
            .option("checkpointLocation", checkpoint)
            .outputMode("update")
            .trigger(availableNow=True)
            .start()
        )
        query.awaitTermination()
        used = _cpu() - before
        states = [op for p in query.recentProgress[-1:] for op in p["stateOperators"]]
    size = sum(
        op["customMetrics"]["stateOnCurrentVersionSizeBytes"] / max(1, op["numRowsTotal"]) for op in states
    )
    return Cost(used / events * 1e6, size)


def _cpu() -> float:
    me = psutil.Process()
    return float(sum(sum(p.cpu_times()[:2]) for p in me.children(recursive=True)))


def main() -> None:
    """Measure every kind and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.features", description=__doc__)
    parser.add_argument("--events", type=int, default=100_000, help="transactions per run, labels on top")
    parser.add_argument("--rounds", type=int, default=3, help="paired runs per kind")
    options = parser.parse_args()
    conf = {
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.streaming.useStreamlineAggregator": "true",
        "spark.sql.streaming.statefulOperator.checkCorrectness.enabled": "false",
    }
    with (
        tempfile.TemporaryDirectory(prefix="fastdata-features-") as folder,
        spark_session(java_binary(), [], slots=2, memory="2g", log_level="ERROR", conf=conf) as spark,
    ):
        source = _events(Path(folder), options.events)
        for _ in range(3):
            measured(spark, source, ALONE, options.events)
        table = {name: _paired(spark, source, f, options) for name, f in KINDS.items()}
        alone = measured(spark, source, ALONE, options.events)
    _print(alone, table)


def _events(folder: Path, count: int) -> Path:
    source = folder / "source"
    source.mkdir()
    events = generated(Transaction, count, seed=5, days=120, names=500)
    size = -(-len(events) // BATCHES)
    for n in range(BATCHES):
        write_history(events[n * size : (n + 1) * size], Transaction, source / f"{n}.parquet")
    return source


def _paired(spark: SparkSession, source: Path, feature: Feature, options: argparse.Namespace) -> Cost:
    costs = [
        measured(spark, source, [*ALONE, feature], options.events)
        - measured(spark, source, ALONE, options.events)
        for _ in range(options.rounds)
    ]
    print(f"{feature.kind}: {costs}", file=sys.stderr)
    return Cost(statistics.median(c.cpu_us for c in costs), statistics.median(c.state_bytes for c in costs))


def _print(alone: Cost, table: dict[str, Cost]) -> None:
    print(
        f"load {os.getloadavg()[0]:.1f}; a stage with two counts: {alone.cpu_us:.1f} us per transaction and its label"
    )
    print("| Feature | CPU us per event | state bytes per key |\n| --- | --- | --- |")
    for name, cost in table.items():
        print(f"| {name} | {cost.cpu_us:.1f} | {cost.state_bytes:.0f} |")
    Path("reports").mkdir(exist_ok=True)
    rows = {name: {"cpu_us": c.cpu_us, "state_bytes": c.state_bytes} for name, c in table.items()}
    Path("reports/features.json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
