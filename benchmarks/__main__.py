"""`make bench`: latency and drain rate of the scoring query, plain PySpark micro-batches and a Bytewax dataflow in the same run.

Everything runs on an embedded Kafka of its own. Figures go to standard output and to reports/bench.json.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import psutil
from onnx.helper import make_node
from skl2onnx import convert_sklearn
from skl2onnx.common import _container as skl2onnx_nodes
from skl2onnx.common.data_types import FloatTensorType

from benchmarks import measure
from benchmarks.streamed import kafka_in
from infra.embedded.java import java_binary
from ingest.admin import end_offsets
from ingest.handbook.settings import HandbookSettings
from ingest.handbook.stream import World
from ingest.producer import Producer
from ingest.settings import KafkaSettings
from ingest.tokens import Tokenizer
from ingest.topics import ensure_topics
from models import events
from models.artifact import FORMAT, Artifact, Training, encode, seal
from models.events import Event, Transaction
from models.fraud import FRAUD
from processing.fitting import check_parity, fit
from processing.history import write_history
from processing.labelled import labelled, table_session

FIRST_DAY = date(2023, 1, 1)
HISTORY_DAYS = 30


@dataclass(frozen=True)
class Used:
    """What a query's processes used."""

    cpu_s: float
    peak_mb: float


class Query:
    """A scoring process, its intervals and what it uses."""

    def __init__(self, kind: str, kafka: KafkaSettings, work: Path, interval_s: int) -> None:
        where = [kafka.bootstrap_servers, kafka.prefix, str(work)]
        arguments = ["scoring", kind, *where, str(interval_s)]
        if kind == "bytewax":
            arguments = ["bytewax_flow", *where]
        module, *rest = arguments
        self._log = (work / f"{kind}.log").open("w")
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"benchmarks.{module}", *rest],
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self.lines: list[str] = []
        self._peak = 0
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        self.lines += (line for line in self._process.stdout if line.startswith("{"))

    def used(self) -> Used:
        """Return CPU seconds and the peak of the resident memory so far."""
        if self._process.poll() is not None:
            raise SystemExit(
                f"the query has ended: see {self._log.name}\n{Path(self._log.name).read_text()[-2000:]}"
            )
        me = psutil.Process(self._process.pid)
        family = [me, *me.children(recursive=True)]
        figures = [f for p in family if (f := _figures(p)) is not None]
        self._peak = max(self._peak, sum(memory for _, memory in figures))
        return Used(sum(cpu for cpu, _ in figures), self._peak / 1e6)

    def stop(self) -> None:
        """End the process cleanly."""
        self._process.terminate()
        self._process.wait(timeout=60)
        self._log.close()


def _figures(process: psutil.Process) -> tuple[float, int] | None:
    """Return CPU seconds (ended children included) and resident bytes, or nothing of a process that has just ended."""
    try:
        return sum(process.cpu_times()[:4]), process.memory_info().rss
    except psutil.NoSuchProcess:
        return None


def main() -> None:
    """Run all benchmarks and print their table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--events", type=int, default=200_000, help="transactions to drain")
    parser.add_argument(
        "--baseline-events", type=int, default=20_000, help="transactions that the baseline drains"
    )
    parser.add_argument(
        "--rate", type=int, default=1_000, help="events per second, labels included, for latency"
    )
    parser.add_argument("--seconds", type=int, default=150, help="length of the latency window")
    parser.add_argument("--interval", type=int, default=60, help="seconds between two commits")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fastdata-bench-") as folder, kafka_in(Path(folder)) as kafka:
        work = Path(folder)
        _train(work)
        ours = _topics(kafka)
        report = {
            "machine": _machine(),
            "real_time": _real_time(ours, work, options),
            "bytewax": _bytewax(kafka, ours, work, options),
            "micro_batch": _baseline(kafka, work, options),
        }
    report["machine"]["load_after"] = os.getloadavg()[0]
    _print(report)
    Path("reports").mkdir(exist_ok=True)
    Path("reports/bench.json").write_text(json.dumps(report, indent=1) + "\n")


def _world() -> World:
    return World(HandbookSettings(customers=5_000, terminals=10_000), Tokenizer(b"fastdata" * 4))


def _train(work: Path) -> None:
    """Fit the fraud model once, as SQL for ours and as ONNX for the peer."""
    history = work / "history.parquet"
    write_history(_world().events(FIRST_DAY, HISTORY_DAYS), Transaction, history)
    with table_session(java_binary(), "2g") as spark:
        rows = labelled(spark, FRAUD.plan(), history)
        rows = rows[rows.verdict.notna()]
        fitted = fit(FRAUD, rows)
        scores = check_parity(spark, FRAUD, fitted, rows)
    artifact = Artifact(
        format=FORMAT,
        name=FRAUD.name,
        version=FRAUD.version,
        event="transaction",
        plan=FRAUD.plan(),
        compiled=fitted.compiled,
        threshold=FRAUD.threshold.of(scores, int(rows.event_time.max() - rows.event_time.min())),
        metrics={},
        training=Training(0, 1, len(rows), int(rows.verdict.sum()), "0" * 64, {}),
    )
    (work / "artifact.json").write_text(encode(seal(artifact)))
    (work / "model.onnx").write_bytes(_onnx(fitted.estimator))


def _onnx(estimator: Any) -> bytes:
    inputs = [("features", FloatTensorType([None, len(FRAUD.features)]))]
    # skl2onnx 1.20 writes truth values where onnx 1.23 wants integers
    with patch.object(skl2onnx_nodes, "make_node", _node_of_integers):
        model = convert_sklearn(estimator, initial_types=inputs, options={"zipmap": False})
    return bytes(model.SerializeToString())


def _node_of_integers(*arguments: Any, **attributes: Any) -> Any:
    plain = {
        name: [int(v) if isinstance(v, bool | np.bool_ | np.integer) else v for v in value]
        if isinstance(value, list)
        else value
        for name, value in attributes.items()
    }
    return make_node(*arguments, **plain)


def _stream() -> Iterator[Event]:
    """Yield transactions and labels as they happen, without end."""
    return _world().events(FIRST_DAY, None)


def _until(source: Iterator[Event], transactions: int) -> Iterator[Event]:
    left = transactions
    while left:
        event = next(source)
        left -= isinstance(event, Transaction)
        yield event


def _topics(kafka: KafkaSettings) -> KafkaSettings:
    fresh = kafka.model_copy(update={"prefix": f"bench{uuid.uuid4().hex[:8]}-"})
    ensure_topics(fresh)
    return fresh


def _send(kafka: KafkaSettings, stream: Iterator[Event], rate: int | None = None) -> None:
    began = time.monotonic()
    with Producer(kafka) as producer:
        for n, event in enumerate(stream):
            producer.send(event.topic, event.key, events.encode(event))
            ahead = began + n / rate - time.monotonic() if rate else 0.0
            if ahead > 0:
                time.sleep(ahead)
        producer.flush()


def _wait_for(kafka: KafkaSettings, query: Query, count: int, limit_s: float) -> None:
    deadline = time.monotonic() + limit_s
    while sum(end_offsets(kafka, "scores").values()) < count:
        query.used()
        if time.monotonic() > deadline:
            raise SystemExit(
                f"only {sum(end_offsets(kafka, 'scores').values())} of {count} events scored in {limit_s} s"
            )
        time.sleep(0.5)


def _drain(kafka: KafkaSettings, query: Query, count: int) -> dict[str, Any]:
    """Drain so many transactions; the second half is what a warm process does."""
    _wait_for(kafka, query, 1, 600)
    before, began = query.used(), time.monotonic()
    _wait_for(kafka, query, count // 2, 900)
    half, halfway = query.used(), time.monotonic()
    at_half = sum(end_offsets(kafka, "scores").values())
    _wait_for(kafka, query, count, 900)
    used, ended = query.used(), time.monotonic()
    return {
        "events": count,
        "events_per_s": count / (ended - began),
        "cpu_s_per_1000_events": (used.cpu_s - before.cpu_s) / count * 1000,
        "warm_events_per_s": (count - at_half) / (ended - halfway),
        "warm_cpu_s_per_1000_events": (used.cpu_s - half.cpu_s) / (count - at_half) * 1000,
        "cpu_s": used.cpu_s,
        "peak_mb": used.peak_mb,
    }


def _real_time(fresh: KafkaSettings, work: Path, options: argparse.Namespace) -> dict[str, Any]:
    source = _stream()
    _send(fresh, _until(source, options.events))
    query = Query("real-time", fresh, work, options.interval)
    try:
        drained = _drain(fresh, query, options.events)
        began = int(time.time() * 1000)
        before = query.used()
        _send(fresh, islice(source, options.rate * options.seconds), options.rate)
        time.sleep(5)
        used = query.used()
    finally:
        query.stop()
    live = measure.read_scores(fresh).after(began)
    starts = [s for s in measure.interval_starts(query.lines, "fraud") if s > began]
    return {
        "drain": drained,
        "latency": {
            "events": len(live.scored),
            "rate": options.rate,
            "interval_s": options.interval,
            "interval_ends": len(starts),
            "all_ms": live.latency(),
            "outside_interval_ends_ms": measure.outside(live, starts).latency(),
            "pauses_ms": measure.pauses(live, starts),
            "cpu_s_per_1000_events": (used.cpu_s - before.cpu_s) / (options.rate * options.seconds) * 1000,
            "peak_mb": used.peak_mb,
        },
    }


def _baseline(kafka: KafkaSettings, work: Path, options: argparse.Namespace) -> dict[str, Any]:
    fresh = _topics(kafka)
    source = _stream()
    _send(fresh, _until(source, options.baseline_events))
    query = Query("micro-batch", fresh, work, 0)
    try:
        drained = _drain(fresh, query, options.baseline_events)
        began = int(time.time() * 1000)
        _send(fresh, islice(source, options.rate * 20), options.rate)
        time.sleep(20)
    finally:
        query.stop()
    return {"drain": drained, "latency": {"all_ms": measure.read_scores(fresh).after(began).latency()}}


def _bytewax(
    kafka: KafkaSettings, drained: KafkaSettings, work: Path, options: argparse.Namespace
) -> dict[str, Any]:
    """Drain the same events by the peer and compare its numbers with those that stand in the drained topics."""
    fresh = _topics(kafka)
    _send(fresh, _until(_stream(), options.events))
    query = Query("bytewax", fresh, work, 0)
    try:
        figures = _drain(fresh, query, options.events)
    finally:
        query.stop()
    return {"drain": figures, "compared": measure.compared(drained, fresh)}


def _machine() -> dict[str, Any]:
    return {
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "load_before": os.getloadavg()[0],
    }


def _print(report: dict[str, Any]) -> None:
    ours, base, peer = (report[name] for name in ("real_time", "micro_batch", "bytewax"))
    lat = ours["latency"]
    print(f"machine: {report['machine']}")
    print(f"{'':38}{'fastdata':>12}{'micro-batch':>12}{'ratio':>8}{'Bytewax':>12}{'ratio':>8}")
    for name, key in (
        ("drain, transactions/s", "events_per_s"),
        ("CPU s per 1,000 transactions", "cpu_s_per_1000_events"),
        ("second half, transactions/s", "warm_events_per_s"),
        ("second half, CPU s per 1,000", "warm_cpu_s_per_1000_events"),
        ("CPU s of the whole process", "cpu_s"),
        ("peak memory, MB", "peak_mb"),
    ):
        a, b, c = (part["drain"][key] for part in (ours, base, peer))
        print(f"{name:38}{a:12.3f}{b:12.3f}{a / b:8.2f}{c:12.3f}{a / c:8.2f}")
    for q in measure.QUANTILES:
        a, b = lat["all_ms"][q], base["latency"]["all_ms"][q]
        print(f"{'latency ' + q + ', ms':38}{a:12.0f}{b:12.0f}{a / b:8.4f}")
    print(f"the same events by Bytewax and ONNX: {peer['compared']}")
    print(f"outside interval ends, ms: {lat['outside_interval_ends_ms']}")
    print(
        f"pauses at {lat['interval_ends']} interval ends, ms: {lat['pauses_ms']}; CPU s per 1,000 events at {lat['rate']}/s: {lat['cpu_s_per_1000_events']:.3f}"
    )


if __name__ == "__main__":
    main()
