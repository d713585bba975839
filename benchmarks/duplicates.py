"""The price of counting each event once (`ModelSpec(once=True)`): `python -m benchmarks.duplicates`.

One event in ten is sent twice. The same events are drained as they are, with the stage that tells repeated events apart,
and with Spark's own `dropDuplicatesWithinWatermark` instead, in turns, on a Kafka of their own; then, at a fixed rate,
the latency is measured. Real-time mode refuses Spark's operator unless its list of allowed ones is switched off.
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
from typing import Final
from unittest.mock import patch

import msgspec
from pyspark.sql import DataFrame

from benchmarks import measure, streamed
from ingest.catalog import source_topic
from ingest.producer import Producer
from ingest.settings import KafkaSettings
from ingest.tokens import Tokenizer
from ingest.topics import ensure_topics
from models.artifact import Artifact, seal
from models.events import Event, Transaction, encode
from models.plan import Plan, compile_plan
from pipeline.drill import world
from pipeline.drill.model import FEATURES, artifact
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


@contextmanager
def _dropping() -> Iterator[None]:
    with (
        patch.object(query, "featurise", dropping),
        patch.dict(query.STREAMING_CONF, {"spark.sql.streaming.realTimeMode.allowlistCheck": "false"}),
    ):
        yield


VARIANTS: Final = ("as it is", "once", "dropping")


def variant(name: str) -> tuple[Artifact, AbstractContextManager[object]]:
    """Return the model of a variant, and what to run it in."""
    plan = compile_plan(Transaction, FEATURES, once=name == "once")
    model = seal(msgspec.structs.replace(artifact(), plan=plan))
    return model, _dropping() if name == "dropping" else nullcontext()


def events(count: int) -> Iterator[Event]:
    """Return simulated events, of which one in ten comes a second time a little later."""
    rng, waiting = random.Random(1), list[Event]()
    for event in itertools.islice(world.events(FIRST, 0, Tokenizer(bytes(32))), count):
        yield event
        if rng.random() < AGAIN:
            waiting.append(event)
        if len(waiting) > 5:  # noqa: PLR2004 - a few events later
            yield waiting.pop(0)


def drained(kafka: KafkaSettings, name: str, count: int, number: int) -> float:
    """Drain so many events in a world of topics of their own; return scored events per second."""
    own = kafka.model_copy(update={"prefix": f"d{number}-"})
    ensure_topics(own)
    streamed.send(own, events(count))
    model, running = variant(name)
    with tempfile.TemporaryDirectory() as folder, running:
        streamed.run(own, [model], Path(folder), threading.Event())
    return measure.read_scores(own).rate()


def latency(kafka: KafkaSettings, name: str, rate: float, seconds: float, number: int) -> dict[str, float]:
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
    model, running = variant(name)
    with tempfile.TemporaryDirectory() as folder, running:
        feeding.start()
        ending.start()
        streamed.run(own, [model], Path(folder), stop, interval_s=20)
    feeding.join()
    return measure.read_scores(own).after(round((began + WARM_UP_S) * 1_000)).latency()


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
