"""The child `reconciler`: reads along beside the others, in a process of its own, so that nothing waits for it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Final

import structlog

from ingest.catalog import source_topic, topic_name
from ingest.follower import Follower, offsets_since, records_at
from ingest.group_offsets import committed_of_all
from ingest.offsets import watermarks
from ingest.ports import Clock
from ingest.producer import Producer
from ingest.settings import KafkaSettings, TopicName
from models import events, scores
from models.errors import RejectEventError
from models.events import EVENT_TYPES
from models.scores import Score
from pipeline import artifacts, deployments, progress
from pipeline.bootstrap.clocks import wall_ms
from pipeline.part import Part
from pipeline.reconciliation import gaps
from pipeline.reconciliation.looks import Looks
from pipeline.reconciliation.reconciler import Feed, Reconciler, World
from pipeline.reconciliation.slices import MINUTE_MS, Log
from pipeline.reconciliation.starting import starts
from pipeline.reconciliation.tally import Counted, Tally, Topics, Where
from pipeline.settings import Settings
from pipeline.sources import place, place_name
from storage.count_table import CassandraCounts
from storage.counts import CountStore, Position
from storage.entity_store import CassandraEntityStore
from storage.presence import CassandraPresence
from storage.session import connect

NAME: Final = "reconciler"
AGAIN_S: Final = 30.0
"""How long to wait after what can't be helped by waiting a little, in seconds."""

FOLLOWED: Final[tuple[TopicName, ...]] = ("transactions", "readings")
OUTPUTS: Final[tuple[TopicName, ...]] = ("scores", "alerts", "dead-letters", "commands", "acks")

log = structlog.get_logger(__name__)

_MS_PER_HOUR: Final = 3_600_000
_DAY_MS: Final = 24 * _MS_PER_HOUR


def run(part: Part) -> None:
    """Reconcile until stopped; what keeps it from that is logged, and tried again: events go their way anyhow."""
    part.report({"ready": True})
    while not part.stop.is_set():
        try:
            with opened(part.settings) as reconciler:
                reconciler.run(part.stop)
        except Exception as error:
            log.exception("not_reconciling", again_in_s=AGAIN_S, reason=str(error))
            part.stop.wait(AGAIN_S)


@contextmanager
def opened(settings: Settings, clock: Clock = wall_ms) -> Iterator[Reconciler]:
    """Give the reconciler of a namespace, where it left off."""
    with connect(settings.cassandra) as session, Producer(settings.kafka) as producer:
        entities = CassandraEntityStore(session, settings.cassandra, wall_ms)
        counts = CassandraCounts(session)
        positions = counts.positions()
        logs = _logs(settings, positions, clock())
        tally = _tally(settings, logs, positions, clock)
        tally.use(_models(settings), known=_known(counts, positions))
        with Follower(settings.kafka, NAME, {where: log.read for where, log in logs.items()}) as feed:
            world = _world(
                settings, feed, counts, _looks(entities, CassandraPresence(session)), producer, clock=clock
            )
            keep_ms = settings.cassandra.retention.counts * _DAY_MS
            yield Reconciler(tally, world, settings.reconciler, keep_ms)


def topics_of(kafka: KafkaSettings) -> Topics:
    """Return the names in Kafka of what is followed."""
    name = partial(topic_name, kafka)
    return Topics(
        sources=tuple(map(name, FOLLOWED)),
        scores=name("scores"),
        alerts=name("alerts"),
        dead_letters=name("dead-letters"),
        commands=name("commands"),
        acks=name("acks"),
    )


def _logs(settings: Settings, positions: Sequence[Position], now: int) -> dict[Where, Log]:
    kafka, given = settings.kafka, settings.reconciler
    topics = {topic_name(kafka, topic): topic for topic in (*FOLLOWED, *OUTPUTS)}
    bounds = {(n, p): b for n, topic in topics.items() for p, b in watermarks(kafka, topic).items()}
    return starts(
        {_where(position): position for position in positions},
        bounds,
        topics_of(kafka).sources,
        lambda name, since: offsets_since(kafka, topics[name], since),
        now=now,
        lookback_ms=round(given.lookback_s * 1_000),
        skew_ms=round(given.skew_s * 1_000),
    )


def _where(position: Position) -> Where:
    topic, _, partition = position.part.rpartition("/")
    return topic, int(partition)


def _tally(
    settings: Settings, logs: Mapping[Where, Log], positions: Sequence[Position], clock: Clock
) -> Tally:
    topics = topics_of(settings.kafka)
    outputs = max(sum(1 for topic, _ in logs if topic == name) for name in (topics.scores, topics.alerts))
    tally = Tally(
        topics,
        delay_ms=settings.processing.watermark_delay_hours * _MS_PER_HOUR,
        most=max(1, settings.reconciler.checks_per_minute // outputs),
        clock=clock,
    )
    newest = {_where(position): position.newest for position in positions}
    for where, log in logs.items():
        tally.follow(where, log, newest.get(where, 0))
    return tally


def _models(settings: Settings) -> Iterator[Counted]:
    for model in deployments.deployed(settings.run_dir):
        deployment = deployments.read_deployment(settings.run_dir, model)
        if deployment is not None:
            artifact = artifacts.load(settings.models_dir, model, deployment.champion)
            topic = topic_name(settings.kafka, source_topic(EVENT_TYPES[artifact.event]))
            yield Counted(model, topic, artifact.plan.only)


def _known(counts: CountStore, positions: Sequence[Position]) -> "_Known":
    latest = max((position.minute for position in positions), default=None)
    if latest is None:
        return _Known(None)
    rows = counts.between(max(0, latest - 60 * MINUTE_MS), latest + 1)
    return _Known({row.part.rpartition(" ")[2] for row in rows if row.stage == gaps.SCORED})


class _Known:
    """Knows which models were counted before; all, where nothing was."""

    def __init__(self, models: set[str] | None) -> None:
        self._models = models

    def __call__(self, model: str) -> bool:
        return self._models is None or model in self._models


def _looks(entities: CassandraEntityStore, presence: CassandraPresence) -> Looks:
    return Looks(
        absent=presence.absent,
        taken_at=entities.taken_at,
        order=entities.order,
        orders_in=entities.orders_in,
    )


def _world(
    settings: Settings, feed: Feed, counts: CountStore, looks: Looks, producer: Producer, *, clock: Clock
) -> World:
    return World(
        feed=feed,
        counts=counts,
        looks=looks,
        done=partial(_done, settings),
        dropped=lambda: any(kept.dropped_late for kept in progress.read(settings.run_dir).values()),
        models=lambda: list(_models(settings)),
        names=partial(_names, settings.kafka),
        tell=partial(_tell, producer),
        clock=clock,
    )


def _done(settings: Settings) -> dict[Where, int]:
    serving = (
        deployments.read_serving(settings.run_dir, model) for model in deployments.deployed(settings.run_dir)
    )
    awaited = [each.query for each in serving if each is not None]
    done = progress.done(progress.read(settings.run_dir), awaited)
    for group in (settings.writer.group, settings.actors.group):
        done.update(committed_of_all(settings.kafka, group))
    return done


def _names(kafka: KafkaSettings, places: Sequence[tuple[str, int, int]]) -> list[str]:
    """Name records by place and event, as far as Kafka still has them."""
    ids: dict[tuple[str, int, int], str] = {}
    for record in records_at(kafka, places):
        try:
            ids[record.topic, record.partition, record.offset] = events.decode(record.value).event_id
        except RejectEventError:
            continue
    return [
        place_name(topic, place(partition, offset))
        + (f" ({ids[topic, partition, offset]})" if (topic, partition, offset) in ids else "")
        for topic, partition, offset in places
    ]


def _tell(producer: Producer, alert: Score) -> None:
    """Write the alert as the query does its own: to the scores, which are kept, and to the alerts, which actors take."""
    encoded = scores.encode(alert)
    targets: Iterable[TopicName] = ("scores", "alerts")
    for topic in targets:
        producer.send(topic, alert.entity, encoded)
    producer.flush()
