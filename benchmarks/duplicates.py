"""The price of dropping duplicates as a first stage: `python -m benchmarks.duplicates`.

One event in ten is sent twice. The same events are drained as the queries are, and with a stage in front that lets each
event pass once, in turns, on a Kafka of their own; then, at a fixed rate, the latency is measured. Two such stages:
`dropDuplicatesWithinWatermark`, which real-time mode refuses unless its list of allowed operators is switched off, and
a count per event and day, an aggregate as all other stages are, of which only the first row passes.
"""

import argparse
import itertools
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import date
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that every Spark user knows

from benchmarks import measure, streamed
from ingest.catalog import source_topic
from ingest.producer import Producer
from ingest.settings import KafkaSettings
from ingest.tokens import Tokenizer
from ingest.topics import ensure_topics
from models.events import Event, encode
from models.plan import Plan
from pipeline.drill import world
from pipeline.drill.model import artifact
from processing import query
from processing.errors import ProcessingError
from processing.stages import StageRunner, featurise

FIRST: Final = date(2025, 3, 1)
AGAIN: Final = 0.1
WARM_UP_S: Final = 20.0


def dropping(rows: DataFrame, plan: Plan, stage: StageRunner) -> DataFrame:
    """Return the features of rows of which each event and each label counts once, by Spark's own operator."""
    named = rows.selectExpr("*", "fraud is not null as is_label")
    single = named.dropDuplicatesWithinWatermark(["event_id", "is_label"])
    return featurise(single.drop("is_label"), plan, stage)


def counting(rows: DataFrame, plan: Plan, stage: StageRunner) -> DataFrame:
    """Return the same by counting; an event's time is that of its day for the watermark only."""
    carried = [name for name in rows.columns if name != "t"]
    named = rows.selectExpr("*", "fraud is not null as is_label").withColumn("day", F.window("t", "1 day"))
    last = F.expr(f"last(struct({', '.join(carried)}))").alias("event")
    counted = named.groupBy("event_id", "is_label", "day").agg(last, F.expr("count(*)").alias("times"))
    first = counted.where("times = 1").select(F.window_time("day").alias("t"), "event.*")
    return featurise(first, plan, stage)


@contextmanager
def _in_front(features: Any) -> Iterator[None]:
    with (
        patch.object(query, "featurise", features),
        patch.dict(query.STREAMING_CONF, {"spark.sql.streaming.realTimeMode.allowlistCheck": "false"}),
    ):
        yield


VARIANTS: Final = {
    "as it is": nullcontext,
    "counting": lambda: _in_front(counting),
    "dropping": lambda: _in_front(dropping),
}


def events(count: int) -> Iterator[Event]:
    """Return simulated events, of which one in ten comes a second time a little later."""
    rng, waiting = random.Random(1), list[Event]()
    for event in itertools.islice(world.events(FIRST, 0, Tokenizer(bytes(32))), count):
        yield event
        if rng.random() < AGAIN:
            waiting.append(event)
        if len(waiting) > 5:  # noqa: PLR2004 - a few events later
            yield waiting.pop(0)


def drained(kafka: KafkaSettings, variant: str, count: int, number: int) -> float:
    """Drain so many events in a world of topics of their own; return scored events per second."""
    own = kafka.model_copy(update={"prefix": f"d{number}-"})
    ensure_topics(own)
    streamed.send(own, events(count))
    with tempfile.TemporaryDirectory() as folder, _variant(variant):
        streamed.run(own, [artifact()], Path(folder), threading.Event())
    return measure.read_scores(own).rate()


def latency(kafka: KafkaSettings, variant: str, rate: float, seconds: float, number: int) -> dict[str, float]:
    """Send events at a rate; return percentiles of the latency, in milliseconds."""
    own = kafka.model_copy(update={"prefix": f"l{number}-"})
    ensure_topics(own)
    stop = threading.Event()
    began = time.time()

    def feed() -> None:
        with Producer(own) as producer:
            start = time.monotonic()
            for sent, event in enumerate(events(10**9)):
                if stop.wait(max(0.0, start + sent / rate - time.monotonic())):
                    return
                producer.send(source_topic(type(event)), event.key, encode(event))

    feeding = threading.Thread(target=feed)
    ending = threading.Timer(WARM_UP_S + seconds, stop.set)
    with tempfile.TemporaryDirectory() as folder, _variant(variant):
        feeding.start()
        ending.start()
        streamed.run(own, [artifact()], Path(folder), stop, interval_s=20)
    feeding.join()
    return measure.read_scores(own).after(round((began + WARM_UP_S) * 1_000)).latency()


def _variant(name: str) -> AbstractContextManager[object]:
    return VARIANTS[name]()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.duplicates", description=__doc__)
    parser.add_argument("--events", type=int, default=60_000)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--rate", type=float, default=500.0, help="events per second for the latency")
    parser.add_argument("--seconds", type=float, default=30.0, help="of latency; 0: none is measured")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, streamed.kafka_in(Path(folder)) as kafka:
        rates: dict[str, list[float]] = {name: [] for name in VARIANTS}
        for number, (_, name) in enumerate(itertools.product(range(options.pairs), VARIANTS)):
            try:
                rates[name].append(drained(kafka, name, options.events, number))
            except ProcessingError as error:
                print(f"{name:10} {str(error)[:300]}", flush=True)
                continue
            print(f"{name:10} {rates[name][-1]:10,.0f} events/s", flush=True)
        for name in VARIANTS:
            ratios = [b / a for a, b in zip(rates["as it is"], rates[name], strict=False)]
            if ratios:
                print(
                    f"{name:10} drains at {statistics.median(ratios):.2f} of the rate ({len(ratios)} rounds)"
                )
        for number, name in enumerate(VARIANTS if options.seconds else ()):
            found = latency(kafka, name, options.rate, options.seconds, number)
            print(f"{name:10} " + ", ".join(f"{q} {ms:.0f} ms" for q, ms in found.items()))


if __name__ == "__main__":
    main()
