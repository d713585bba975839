"""One query as a process of its own: the real-time query, or plain PySpark micro-batches as the baseline.

Writes one JSON line per committed interval to standard output. Ends on SIGTERM. `python -m benchmarks` starts it.
"""

import os
import signal
import sys
import threading
from pathlib import Path

import msgspec

from benchmarks import micro_batch
from infra.embedded.java import java_binary
from infra.jars import resolve
from ingest.admin import end_offsets
from ingest.catalog import topic_name
from ingest.settings import KafkaSettings
from models.artifact import Artifact, decode
from models.service import alone
from processing.progress import Watch
from processing.query import run_query
from processing.settings import ProcessingSettings
from processing.steering import fixed
from processing.topics import Topics


def topics_of(kafka: KafkaSettings) -> Topics:
    """Return the topics of a benchmark, one partition each."""
    sources = {"transaction": topic_name(kafka, "transactions"), "label": topic_name(kafka, "labels")}
    return Topics(
        bootstrap_servers=kafka.bootstrap_servers,
        sources=sources,
        partitions=dict.fromkeys(sources.values(), 1),
        features=topic_name(kafka, "features"),
        scores=topic_name(kafka, "scores"),
        alerts=topic_name(kafka, "alerts"),
        dead_letters=topic_name(kafka, "dead-letters"),
    )


def real_time(
    kafka: KafkaSettings, artifact: Artifact, work: Path, interval_s: int, stop: threading.Event
) -> None:
    """Run the product's query until stopped."""
    settings = ProcessingSettings.model_validate({"checkpoint_dir": work, "interval_s": interval_s})
    run_query(
        settings,
        topics_of(kafka),
        fixed([alone(artifact)]),
        java=java_binary(),
        jars=resolve("spark"),
        stop=stop,
        until_idle=False,
        watch=Watch(
            lambda interval: print(msgspec.json.encode(interval).decode(), flush=True),
            lambda: {topic_name(kafka, t): end_offsets(kafka, t) for t in ("transactions", "labels")},
        ),
        report=lambda line: print(line, file=sys.stderr, flush=True),
    )


def main(kind: str, bootstrap: str, prefix: str, work: str, interval_s: str) -> None:
    """Run one kind of query until SIGTERM."""
    os.environ["PYSPARK_PYTHON"] = sys.executable
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    kafka, folder = KafkaSettings(bootstrap_servers=bootstrap, prefix=prefix), Path(work)
    artifact = decode((folder / "artifact.json").read_text(), "artifact.json")
    if kind == "real-time":
        real_time(kafka, artifact, folder / "real-time", int(interval_s), stop)
    else:
        micro_batch.run(
            topics_of(kafka),
            artifact,
            work=folder / "micro-batch",
            java=java_binary(),
            jars=resolve("spark"),
            stop=stop,
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
