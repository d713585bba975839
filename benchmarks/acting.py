"""What the actors take: `python -m benchmarks.acting [--alerts N] [--entities N] [--workers N] [--kill-every S] [--flood]`.

Alerts go to a real Kafka; workers as processes take them, keep everything in a real Cassandra and send commands to a
simulated gateway, whose answers come back. Beside it, in the same run: the same alerts read by a plain consumer of
Kafka, which keeps nothing. At the end every place is counted: alerts taken, alarms, commands, effects in the ledger.

With `--flood` 10,000 alerts, each of another entity, come within 10 s, and the list of alarms is looked at: one line
while the flood lasts and after it.
"""

import argparse
import json
import sys
import tempfile
import time
import uuid
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np

from actors.ledger_file import open_ledger
from actors.settings import ActorSettings
from benchmarks.acting_costs import Cpu, counted, listening
from benchmarks.acting_crew import FLOOD_S, Crew, now_ms, policies
from benchmarks.keyspaces import drop
from infra.embedded import EmbeddedSettings, down, up
from ingest.admin import broker_count, group_lag, group_members
from ingest.consumer import Consumer
from ingest.errors import RetryLaterError
from ingest.producer import Producer
from ingest.reading import read_all
from ingest.settings import KafkaSettings, TopicSettings
from ingest.topics import ensure_topics
from models.actions import decode_ack, decode_command
from models.scores import Score, encode
from pipeline.alarm_lines import Flooded, Line
from pipeline.operators import lines
from storage.entity_store import CassandraEntityStore
from storage.migrate import migrate
from storage.session import connect, node_count
from storage.settings import CassandraSettings

LOOK_S: Final = 0.1
SELDOM_S: Final = 0.5
"""Between two looks while much is left: a look asks Kafka a dozen questions, which ten times a second took a tenth of the machine."""

STILL_S: Final = 3.0
"""Nothing left for so long: it is over."""


QUIET_S: Final = 180.0
"""After so long without progress the run is given up."""

Servers = tuple[KafkaSettings, CassandraSettings]


def main() -> None:
    """Run it, and print figures as a table and as JSON."""
    options = _options()
    with servers(options) as (kafka, cassandra), tempfile.TemporaryDirectory() as scratch:
        found = measure(options, kafka, cassandra, Path(scratch))
    print(json.dumps(found, indent=2))
    if found["wrong"]:
        sys.exit(f"something was lost or done twice: {', '.join(found['wrong'])}")


def measure(
    options: argparse.Namespace, kafka: KafkaSettings, cassandra: CassandraSettings, scratch: Path
) -> dict[str, Any]:
    """Send, take, answer, count."""
    count, names = options.alerts, [f"tok_{n:024x}" for n in range(options.entities)]
    with ExitStack() as stack:
        producer = stack.enter_context(Producer(kafka))
        cpu = Cpu()
        for program, port in (
            ("kafka", kafka.bootstrap_servers.split(":")[-1]),
            ("cassandra", cassandra.port),
        ):
            if (pid := listening(int(port))) is not None:
                cpu.watch(program, pid)
        crew = stack.enter_context(Crew(kafka, cassandra, scratch, options, cpu))
        store = CassandraEntityStore(stack.enter_context(connect(cassandra)), cassandra, now_ms)
        if options.rate is not None:
            crew.go()
            _await_members(kafka, options.workers)
        begun = sent_at = time.monotonic()
        killing = crew.killing(options.kill_every) if options.kill_every else None
        for number in range(count):
            if options.rate is not None:
                time.sleep(max(0.0, sent_at + number / options.rate - time.monotonic()))
            score = _alert(number, names[number % len(names)])
            producer.send("alerts", score.entity, encode(score))
        producer.flush()
        sending_s = time.monotonic() - sent_at
        during = lines(store, (), (), policies(), now_ms()) if options.flood else []
        if killing is not None:
            killing.set()
        if options.rate is None:
            crew.go()
            _await_members(kafka, options.workers)
            begun = time.monotonic()
        peak = _await(kafka, crew, count, begun)
        cpu.look()
        seen = _seen_of_flood(store, during) if options.flood else {}
        return _figures(options, kafka, store, crew, {"sending_s": sending_s, **peak, "flood": seen})


def _figures(
    options: argparse.Namespace,
    kafka: KafkaSettings,
    store: CassandraEntityStore,
    crew: Crew,
    run: dict[str, Any],
) -> dict[str, Any]:
    alerts = [(r.timestamp_ms, r.value) for r in read_all(kafka, "alerts")]
    commands = [(r.timestamp_ms, decode_command(r.value)) for r in read_all(kafka, "commands")]
    acks = [(r.timestamp_ms, decode_ack(r.value)) for r in read_all(kafka, "acks")]
    with open_ledger(crew.ledger) as ledger:
        effects = [effect.command_id for effect in ledger.effects()]
    taken = _taken(store)
    by_event = {_event_of(value): at for at, value in alerts}
    first: dict[str, int] = {}
    again: list[int] = []
    for at, command in sorted(commands, key=lambda each: each[0]):
        if command.command_id in first:
            again.append(at - command.issued_at)
        first.setdefault(command.command_id, at - by_event[command.event_id or ""])
    lasted, seen = run["lasted_s"], run["flood"]
    wrong = [
        name
        for name, holds in {
            "alerts taken": taken == options.alerts,
            "one command an entity": len(first) == options.entities,
            "effects once": len(effects) == len(set(effects)),
            "all answered": len({ack.command_id for _, ack in acks}) == options.entities,
            "one line for the flood": not seen or (seen["lines_during"], seen["lines_after"]) == (1, 1),
            "flood entered and left": not seen or (seen["entered"] and seen["left"]),
        }.items()
        if not holds
    ]
    return {
        "alerts": options.alerts,
        "entities": options.entities,
        "workers": options.workers,
        "kills": crew.kills,
        "alerts_per_s": round(options.alerts / lasted),
        "commands_acknowledged_per_s": round(options.entities / lasted),
        "alert_to_command_ms": _quantiles(first.values()),
        "commands_published_again": {"count": len(again), "after_ms": _quantiles(again)},
        "cpu_ms_per_alert": _each(crew.cpu.seconds(), options.alerts),
        "second_half": run["second_half"],
        "statements_per_alert": {
            name: round(count / options.alerts, 3)
            for name, count in counted(crew.counts.iterdir()).items()
            if count >= options.alerts / 1_000
        },
        "worker_memory_mb": {"first": round(run["first_mb"]), "peak": round(run["peak_mb"])},
        "plain_consumer_alerts_per_s": round(_plain(kafka, options.alerts)),
        **({"flood": seen} if seen else {}),
        "wrong": wrong,
    }


def _await(kafka: KafkaSettings, crew: Crew, count: int, begun: float) -> dict[str, Any]:
    """Wait until nothing is left, and return what was seen meanwhile; it all began at `begun`."""
    first = peak = 0.0
    done = moved = time.monotonic()
    last = -1
    half: tuple[float, int, dict[str, float]] | None = None
    while True:
        left, alerts = _left(kafka, (last, count))
        now = time.monotonic()
        peak = max(peak, crew.memory_mb())
        crew.cpu.look()
        first = first or peak
        if half is None and 0 < alerts <= count / 2:
            half = now, alerts, crew.cpu.seconds()
        if left != last:
            last, moved = left, now
        if left:
            done = now
        elif now - done > STILL_S:
            return {
                "lasted_s": done - begun,
                "peak_mb": peak,
                "first_mb": first,
                "second_half": _second_half(*half, crew.cpu.seconds(), done)
                if half and done > half[0]
                else {},
            }
        if now - moved > QUIET_S:
            sys.exit(f"nothing moved for {QUIET_S:g} s, {left} messages are left")
        time.sleep(SELDOM_S if left > count / 10 else LOOK_S)


def _await_members(kafka: KafkaSettings, workers: int) -> None:
    """Wait until the workers and the gateway have joined their groups: how long a process starts is not what is measured."""
    until = time.monotonic() + QUIET_S
    while group_members(kafka, "actors") < workers or not group_members(kafka, "gateway"):
        if time.monotonic() > until:
            sys.exit(f"the workers did not join their groups within {QUIET_S:g} s")
        time.sleep(LOOK_S)


def _quantiles(spans: Collection[int]) -> dict[str, int]:
    found = np.array(list(spans) or [0])
    return {q: round(float(np.percentile(found, p))) for q, p in (("p50", 50), ("p99", 99))}


def _taken(store: CassandraEntityStore) -> int:
    entities = iter(store.entities())
    taken = 0
    while some := list(islice(entities, 200)):
        taken += sum(len(snapshot.alerts) for snapshot in store.load_all(some))
    return taken


def _seen_of_flood(store: CassandraEntityStore, during: Sequence[Line]) -> dict[str, Any]:
    """Return what operators saw of the flood when its last alert was sent, and see now that it is over."""
    time.sleep(FLOOD_S)
    after = lines(store, (), (), policies(), now_ms())
    found = [line.flood for line in (*during, *after) if isinstance(line, Flooded)]
    return {
        "lines_during": len(during),
        "lines_after": len(after),
        "alarms_in_the_line": found[-1].alarms if found else 0,
        "entered": bool(found) and found[0].left_at is None,
        "left": bool(found) and found[-1].left_at is not None,
    }


def _second_half(
    begun: float, alerts: int, before: dict[str, float], after: dict[str, float], done: float
) -> dict[str, Any]:
    """Return the rate and the cost of the alerts that were left when Java had warmed up."""
    spent = {program: used - before.get(program, 0.0) for program, used in after.items()}
    return {"alerts_per_s": round(alerts / (done - begun)), "cpu_ms_per_alert": _each(spent, alerts)}


def _each(seconds: dict[str, float], alerts: int) -> dict[str, float]:
    return {program: round(used / alerts * 1_000, 3) for program, used in seconds.items()}


def _left(kafka: KafkaSettings, unknown: tuple[int, int]) -> tuple[int, int]:
    """Return how many messages wait for anyone, and how many alerts are among them."""
    try:
        alerts = group_lag(kafka, "actors", "alerts")
        return alerts + group_lag(kafka, "actors", "acks") + group_lag(kafka, "gateway", "commands"), alerts
    except RetryLaterError:
        return unknown


def _plain(kafka: KafkaSettings, count: int) -> float:
    begun, seen = time.monotonic(), 0
    with Consumer(kafka, f"plain-{uuid.uuid4().hex}", ["alerts"]) as consumer:
        while seen < count:
            seen += len(consumer.poll(1_000, 1.0))
    return count / (time.monotonic() - begun)


def _alert(number: int, entity: str) -> Score:
    return Score(
        event_id=f"e{number}",
        event_time=now_ms(),
        entity=entity,
        model="fraud",
        version="1",
        score=0.9,
        threshold=0.5,
        features={f"feature_{n}": float(n) for n in range(15)},
        event={"card": entity, "terminal": "t1", "amount": 10.0},
        arrivals={"terminal": number},
        topic="transactions",
        partition=0,
        offset=number,
        ingested_at=now_ms(),
    )


def _event_of(value: bytes) -> str:
    return str(json.loads(value)["event_id"])


@contextmanager
def servers(options: argparse.Namespace) -> Iterator[Servers]:
    """Give the servers that are named, or own ones for the length of the block."""
    name = f"acting{uuid.uuid4().hex[:8]}"
    topics = {topic: TopicSettings(partitions=options.partitions) for topic in ("alerts", "acks", "commands")}
    with ExitStack() as stack:
        if options.kafka_at:
            kafka_at, (host, port) = options.kafka_at, options.cassandra_at.split(":")
        else:
            own = EmbeddedSettings(
                state_dir=Path(stack.enter_context(tempfile.TemporaryDirectory())),
                kafka_port=19592,
                kafka_controller_port=19593,
                cassandra_port=19542,
                cassandra_storage_port=17500,
            )
            stack.callback(down, own, wipe=True, report=lambda _: None)
            ends = up(own, kafka_brokers=broker_count, cassandra_nodes=node_count, report=lambda _: None)
            kafka_at, host, port = ends.kafka_bootstrap, ends.cassandra_contact_points[0], ends.cassandra_port
        kafka = KafkaSettings(bootstrap_servers=kafka_at, prefix=f"{name}-", topics=topics)
        cassandra = CassandraSettings(
            contact_points=(host,), port=int(port), keyspace=name, request_timeout_s=30
        )
        ensure_topics(kafka)
        migrate(cassandra)
        yield kafka, cassandra
        if options.cassandra_at:
            with connect(cassandra) as session:
                drop(session, name)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--alerts", type=int, default=20_000, help="alerts in all")
    parser.add_argument("--entities", type=int, default=2_000, help="entities that they are about, in turn")
    parser.add_argument("--workers", type=int, default=1, help="worker processes")
    parser.add_argument("--shards", type=int, default=ActorSettings().shards, help="shards of a worker")
    parser.add_argument("--batch", type=int, default=ActorSettings().batch, help="most alerts of a batch")
    parser.add_argument("--partitions", type=int, default=4, help="partitions of the topics")
    parser.add_argument(
        "--rate", type=float, help="alerts a second; without it all lie there when the workers start"
    )
    parser.add_argument(
        "--kill-every", type=float, help="kill a worker every so many seconds while alerts are sent"
    )
    parser.add_argument("--kafka-at", help="a running Kafka, HOST:PORT")
    parser.add_argument("--cassandra-at", help="a running Cassandra, HOST:PORT")
    parser.add_argument(
        "--flood", action="store_true", help="10,000 alerts within 10 s, each of another entity"
    )
    options = parser.parse_args()
    if options.flood:
        options.alerts, options.entities, options.rate = 10_000, 10_000, 1_000.0
    return options


if __name__ == "__main__":
    main()
