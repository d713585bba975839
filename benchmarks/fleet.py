"""The models of the fleet on machines that they have not seen: `python -m benchmarks.fleet [--latency]`.

Trained on healthy machines of one seed, as `fastdata models train` does it. Machines of another seed, with faults of
machines, sensors and clocks, then go through a Kafka of their own and the real-time queries of all six models in one
session; the ground truth is the simulator's. `--latency` sends a reading a second of each machine instead, and tells
how long it takes from the reading in Kafka to its score in Kafka.
"""

import argparse
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from benchmarks.machine import timed_loop
from benchmarks.streamed import kafka_in, run, streamed_by
from infra.embedded.java import java_binary
from ingest.consumer import read_all
from ingest.fleet.fleet import Fleet
from ingest.fleet.settings import FleetSettings
from ingest.fleet.stream import readings
from ingest.fleet.truth import Truth
from ingest.producer import Producer
from ingest.settings import KafkaSettings
from ingest.simulate_readings import tell_open
from ingest.topics import ensure_topics
from models import scores
from models.artifact import Artifact
from models.events import Reading, encode
from models.fleet import (
    MOTOR_ANOMALY,
    MOTOR_SENSORS,
    PUMP_ANOMALY,
    PUMP_SENSORS,
    TURBINE_ANOMALY,
    TURBINE_SENSORS,
)
from models.spec import ModelSpec
from processing.history import write_history
from processing.settings import ProcessingSettings
from processing.training import train

HOUR: Final = 3_600_000
DAY: Final = 24 * HOUR
START: Final = 1_767_225_600_000
INTERVAL_S: Final[int] = ProcessingSettings.model_fields["interval_s"].default
"""Seconds between two commits by default."""

LIMIT_MS: Final = 150

AFTER: Final = 2 * HOUR
"""After a repair a machine warms up, and windows still hold what was: no alarm counts as false in this time."""

ANOMALY: Final = (PUMP_ANOMALY, MOTOR_ANOMALY, TURBINE_ANOMALY)
DATA: Final = (PUMP_SENSORS, MOTOR_SENSORS, TURBINE_SENSORS)


def main() -> None:
    """Train, stream, and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description=__doc__)
    parser.add_argument("--machines", type=int, default=300, help="machines that are watched")
    parser.add_argument("--hours", type=float, default=24, help="event time that they are watched for")
    parser.add_argument("--every", type=float, default=60, help="seconds between two readings of a machine")
    parser.add_argument("--training-machines", type=int, default=800)
    parser.add_argument("--training-hours", type=float, default=26)
    parser.add_argument("--seed", type=int, default=11, help="seed of the watched machines")
    parser.add_argument("--latency", action="store_true", help="measure latency at a reading a second")
    parser.add_argument("--interval", type=int, default=INTERVAL_S, help="seconds between two commits")
    parser.add_argument("--intervals", type=int, default=2, help="length of the latency window")
    parser.add_argument(
        "--warm", type=int, default=180, help="seconds before the latency window: Java compiles"
    )
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fastdata-fleet-") as folder:
        artifacts = _trained(Path(folder), asked)
        told = _latency(artifacts, asked) if asked.latency else _found(artifacts, asked)
    print("\n".join(told))
    print(f"load {os.getloadavg()[0]:.1f}")


def _trained(folder: Path, asked: Any) -> list[Artifact]:
    quiet = FleetSettings(
        seed=1,
        machines=asked.training_machines,
        every_s=60,
        faults_per_machine_day=0,
        sensor_faults_per_machine_day=0,
    )
    history = folder / "history.parquet"
    ticks = round(asked.training_hours * 60)
    count = write_history(readings(Fleet(quiet, START), ticks, tuple, lambda _: None), Reading, history)
    _say(f"{count:,} readings of {asked.training_machines} healthy machines to train on")
    specs: Sequence[ModelSpec] = ANOMALY if asked.latency else (*ANOMALY, *DATA)
    return [train(spec, history, java=java_binary(), memory="3g", report=_say) for spec in specs]


def _found(artifacts: Sequence[Artifact], asked: Any) -> Iterator[str]:
    settings = FleetSettings(
        seed=asked.seed,
        machines=asked.machines,
        every_s=asked.every,
        faults_per_machine_day=0.5,
        sensor_faults_per_machine_day=0.5,
    )
    truths: list[Truth] = []
    fleet = Fleet(settings, START)
    began = time.monotonic()
    sent = readings(fleet, round(asked.hours * 3_600 / asked.every), tuple, truths.append)
    rows = streamed_by(artifacts, sent)
    took = time.monotonic() - began
    tell_open(fleet, truths.append)
    events = rows.event_id.nunique()
    yield f"{events:,} readings, {len(rows):,} scores in {took:.0f} s, servers and Java included: {events / took:,.0f} readings/s"
    yield from table(rows, truths)


def table(rows: pd.DataFrame, truths: Sequence[Truth]) -> Iterator[str]:
    """Return what was found of what was wrong, by kind, and what was found where nothing was."""
    rows = rows.sort_values("event_time")
    machine = _by_machine(rows[rows.model.str.startswith("anomaly")])
    data = _by_machine(rows[rows.model.str.startswith("sensors")])
    yield "kind           class     failed  found before  lead h: min  median"
    faults = [t for t in truths if t.what == "fault" and t.failure is not None]
    for kind, kind_of in sorted({(t.kind, t.machine_class) for t in faults}):
        of_kind = [t for t in faults if (t.kind, t.machine_class) == (kind, kind_of)]
        leads = [lead for t in of_kind if (lead := _lead(machine, t)) is not None]
        shortest = f"{min(leads):11.1f}  {np.median(leads):6.1f}" if leads else "          -       -"
        yield f"{kind:<14} {kind_of:<9} {len(of_kind):6}  {len(leads):12}  {shortest}"
    yield "kind           sensor faults  reported as data  raised a machine alarm"
    whole = [t for t in truths if t.what in ("sensor", "clock") and _lasted(t, rows) >= HOUR / 2]
    for kind in sorted({t.kind for t in whole}):
        of_kind = [t for t in whole if t.kind == kind]
        reported = sum(_alerted(data, t) for t in of_kind)
        wrongly = sum(_alerted(machine, t) and not _sick(t, faults) for t in of_kind)
        yield f"{kind:<14} {len(of_kind):13}  {reported:16}  {wrongly:22}"
    total = sum(_alerted(data, t) for t in whole)
    yield f"sensor faults reported as data alerts: {total} of {len(whole)} ({total / max(1, len(whole)):.1%})"
    yield from (
        _false(name, found, truths) for name, found in (("machine alarms", machine), ("data alerts", data))
    )


def _by_machine(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {str(machine): own for machine, own in rows.groupby("entity")}


def _end(truth: Truth) -> int:
    return 2**62 if truth.end is None else truth.end


def _lasted(truth: Truth, rows: pd.DataFrame) -> float:
    return min(_end(truth), int(rows.event_time.max())) - truth.onset


def _within(rows: Mapping[str, pd.DataFrame], truth: Truth, end: int) -> pd.DataFrame:
    # a clock that is behind stamps its readings before the time at which it began to be
    start = truth.onset - (2 * HOUR if truth.what == "clock" else 0)
    near = rows[truth.machine]
    return near[(near.event_time >= start) & (near.event_time < end)]


def _lead(rows: Mapping[str, pd.DataFrame], truth: Truth) -> float | None:
    assert truth.failure is not None
    alerts = _within(rows, truth, truth.failure).query("alert")
    return (truth.failure - int(alerts.event_time.iloc[0])) / HOUR if len(alerts) else None


def _alerted(rows: Mapping[str, pd.DataFrame], truth: Truth) -> bool:
    return bool(_within(rows, truth, _end(truth)).alert.any())


def _sick(truth: Truth, faults: Sequence[Truth]) -> bool:
    return any(
        f.machine == truth.machine and f.onset < _end(truth) and _end(f) + AFTER > truth.onset for f in faults
    )


def _false(name: str, rows: Mapping[str, pd.DataFrame], truths: Sequence[Truth]) -> str:
    """Return episodes of alerts (an hour apart) on machines with which nothing was wrong, per machine and day."""
    days, episodes = 0.0, 0
    for machine, own in rows.items():
        when = own.event_time.to_numpy()
        healthy = np.ones(len(own), dtype=bool)
        for t in truths:
            if t.machine == machine:
                early = t.onset - (2 * HOUR if t.what == "clock" else 0)
                healthy &= ~((when >= early) & (when < _end(t) + AFTER))
        days += np.ptp(when) / DAY * healthy.mean()
        episodes += int((np.diff(when[healthy & own.alert.to_numpy()], prepend=-DAY) > HOUR).sum())
    return f"false {name}: {episodes} in {days:,.0f} healthy machine-days, {episodes / max(days, 1e-9):.4f} per machine-day"


def _latency(artifacts: Sequence[Artifact], asked: Any) -> Iterator[str]:
    settings = FleetSettings(seed=asked.seed, machines=asked.machines, every_s=1)
    with tempfile.TemporaryDirectory(prefix="fastdata-fleet-") as name, kafka_in(Path(name)) as kafka:
        ensure_topics(kafka)
        stop = threading.Event()
        query = threading.Thread(
            target=run,
            args=(kafka, artifacts, Path(name), stop),
            kwargs={"interval_s": asked.interval},
            daemon=True,
        )
        query.start()
        warm = time.time() + asked.warm
        with timed_loop() as loop:
            _paced(
                kafka, Fleet(settings, round(time.time() * 1_000)), warm + asked.intervals * asked.interval
            )
            speed = loop()
        stop.set()
        query.join()
        yield from _spread(kafka, round(warm * 1_000), asked.interval)
        yield speed


def _paced(kafka: KafkaSettings, fleet: Fleet, until: float) -> None:
    """Send every reading when it is measured."""
    with Producer(kafka) as producer:
        for reading in readings(fleet, None, tuple, lambda _: None):
            wait = reading.event_time / 1_000 - time.time()
            if wait > 0:
                time.sleep(wait)
            if time.time() > until:
                break
            producer.send("readings", reading.machine, encode(reading))
        producer.flush()


def _spread(kafka: KafkaSettings, since_ms: int, interval_s: int) -> Iterator[str]:
    seen: dict[tuple[str, str], tuple[int, int]] = {}
    for record in read_all(kafka, "scores"):
        score = scores.decode(record.value or b"")
        if score.ingested_at >= since_ms:
            seen.setdefault((score.model, score.event_id), (score.ingested_at, record.timestamp_ms))
    entered, scored = np.array(list(seen.values())).T
    spans = scored - entered
    rate = len(spans) / (np.ptp(entered) / 1_000)
    quantiles = ", ".join(f"p{q:g} {np.percentile(spans, q):,.0f}" for q in (50, 90, 99, 99.9))
    yield f"{len(spans):,} scores by three models at {rate:,.0f}/s: {quantiles}, most {spans.max():,} ms from Kafka to Kafka, over interval ends (every {interval_s} s or a little less); {np.mean(spans > LIMIT_MS):.2%} took more than {LIMIT_MS} ms"
    names = np.array([model for model, _ in seen])
    for model in sorted(set(names)):
        when = np.sort(scored[names == model])
        silences = np.diff(when)
        longest = ", ".join(
            f"{silences[n]:,} at {(when[n] - since_ms) / 1_000:.0f} s"
            for n in sorted(np.argsort(-silences)[:8])
            if silences[n] > LIMIT_MS
        )
        yield f"{model}: p99 {np.percentile(spans[names == model], 99):,.0f} ms, silences longer than {LIMIT_MS} ms: {longest or 'none'}"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
