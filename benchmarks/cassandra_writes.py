"""Rows per second of the score writer beside the driver's own `execute_concurrent_with_args`, in one run.

Both write the same scores into the same table of a running Cassandra, in turns; each round is one call with
all rows. Run it with `python -m benchmarks.cassandra_writes --at 127.0.0.1:19042`.
"""

import argparse
import random
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from cassandra.cluster import Session
from cassandra.concurrent import execute_concurrent_with_args

from benchmarks.keyspaces import drop
from models.scores import Score
from storage.migrate import migrate
from storage.score_rows import to_values
from storage.score_store import CassandraScoreStore
from storage.scores import StampedScore
from storage.session import connect
from storage.settings import CassandraSettings

DRIVER, PRODUCT = "execute_concurrent_with_args", "replica-grouped batches"


@dataclass(frozen=True)
class Round:
    """One call: rows per second, and CPU seconds of this process per 1,000 rows."""

    rows_per_s: float
    cpu_s: float


def main() -> None:
    """Measure and print the table."""
    options = _options()
    host, _, port = options.at.rpartition(":")
    settings = CassandraSettings(
        contact_points=(host,), port=int(port), keyspace=f"st_bench_{uuid.uuid4().hex[:8]}"
    )
    migrate(settings)
    with connect(settings) as session:
        try:
            _report(_measure(session, settings, _scores(options.rows), options.rounds))
        finally:
            drop(session, settings.keyspace)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--at", default="127.0.0.1:19042", help="host:port of a running Cassandra")
    parser.add_argument("--rows", type=int, default=20_000, help="rows in each round")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each way, after one to warm up")
    return parser.parse_args()


def _measure(
    session: Session, settings: CassandraSettings, rows: Sequence[StampedScore], rounds: int
) -> dict[str, list[Round]]:
    store = CassandraScoreStore(session, settings)
    insert = store.insert_statement

    def plain() -> None:
        execute_concurrent_with_args(session, insert, [to_values(row) for row in rows], concurrency=100)

    ways: dict[str, Callable[[], None]] = {DRIVER: plain, PRODUCT: lambda: store.write(rows)}
    found: dict[str, list[Round]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, write in ways.items():
            result = _time(write, len(rows))
            if turn:
                found[name].append(result)
    return found


def _time(write: Callable[[], None], count: int) -> Round:
    began, cpu = time.perf_counter(), time.process_time()
    write()
    return Round(count / (time.perf_counter() - began), (time.process_time() - cpu) / count * 1_000)


def _report(found: dict[str, list[Round]]) -> None:
    print(f"{'way':32} {'rows/s median':>14} {'min':>8} {'max':>8} {'CPU s per 1,000':>16}")
    for name, rounds in found.items():
        speeds = [r.rows_per_s for r in rounds]
        cpu = median(r.cpu_s for r in rounds)
        print(f"{name:32} {median(speeds):14,.0f} {min(speeds):8,.0f} {max(speeds):8,.0f} {cpu:16.3f}")
    pairs = zip(found[PRODUCT], found[DRIVER], strict=True)
    print(f"ratio, median over rounds: {median(p.rows_per_s / d.rows_per_s for p, d in pairs):.2f}")


def _scores(count: int) -> list[StampedScore]:
    rng = random.Random(7)
    start = 1_764_000_000_000
    return [StampedScore(_score(rng, i, start + i), (start + i) * 1_000) for i in range(count)]


def _score(rng: random.Random, number: int, time_ms: int) -> Score:
    card = f"tok_{rng.randrange(5_000):024x}"
    return Score(
        event_id=f"txn-{number:012d}",
        event_time=time_ms,
        entity=card,
        model="fraud",
        version="1",
        score=rng.random(),
        threshold=0.9,
        features={f"card_amount_mean_{k}d": rng.random() * 100 for k in range(12)},
        event={"card": card, "terminal": str(rng.randrange(10_000)), "amount": round(rng.random() * 300, 2)},
        arrivals={"terminal": number},
        topic="transactions",
        partition=0,
        offset=number,
        ingested_at=time_ms,
    )


if __name__ == "__main__":
    main()
