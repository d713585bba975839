"""The real places that `verify` and `story` read."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from actors.ledger_file import open_ledger
from ingest.catalog import source_topic, topic_name
from ingest.consumer import read_all
from models.events import EVENT_TYPES
from models.machines import Machine
from pipeline import artifacts, deployments, judgement, progress, verify
from pipeline.bootstrap.clocks import wall_ms
from pipeline.bootstrap.stores import open_stores
from pipeline.reconcile import Reconciliation, lasting
from pipeline.reconciliation.slices import MINUTE_MS
from pipeline.settings import Settings
from pipeline.verify import Places, Scored
from storage.count_table import CassandraCounts
from storage.counts import MinuteCount
from storage.session import connect
from storage.story import Story
from storage.story import story as story_of

MS_PER_HOUR = 3_600_000


def reconcile(settings: Settings) -> Reconciliation:
    """Gather what every place says and judge it."""
    with _places(settings) as places:
        scored = {m.model: topic_name(settings.kafka, source_topic(m.event)) for m in places.models}
        return judgement.judge(verify.gather(places), scored, partial(verify.event_ids, places))


def story(settings: Settings, event_id: str) -> tuple[Story, Machine | None] | None:
    """Return the story of an event, and for a reading what the register says of its machine."""
    with open_stores(settings.cassandra) as stores:
        told = story_of(event_id, stores.scores, stores.entities)
        if told is None:
            return None
        name = told.event.get("machine")
        return told, stores.machines.get(name) if name else None


def reconcile_live(
    settings: Settings, report: Callable[[str], None]
) -> tuple[Reconciliation, list[MinuteCount]]:
    """Judge a pipeline at work: what is wrong now and was wrong a grace time ago; and the minutes with gaps."""
    found = reconcile(settings)
    if not found.clean:
        report(f"something is under way, or missing: looking again in {settings.reconciler.grace_s:g} s")
        time.sleep(settings.reconciler.grace_s)
        found = lasting(found, reconcile(settings))
    with connect(settings.cassandra) as session:
        return found, CassandraCounts(session).gaps()


def minutes(settings: Settings, last: int) -> list[MinuteCount]:
    """Return what the reconciler has counted in the last so many minutes, and every older minute with a gap."""
    now = wall_ms()
    with connect(settings.cassandra) as session:
        counts = CassandraCounts(session)
        since = now - last * MINUTE_MS
        older = [count for count in counts.gaps() if count.minute < since]
        return [*older, *counts.between(since, now)]


@contextmanager
def _places(settings: Settings) -> Iterator[Places]:
    with open_stores(settings.cassandra) as stores:
        yield Places(
            read_all=lambda topic: read_all(settings.kafka, topic),
            topic_name=lambda topic: topic_name(settings.kafka, topic),
            scores=stores.scores,
            entities=stores.entities,
            effects=lambda: _effects(settings),
            dropped_late=lambda: sum(k.dropped_late for k in progress.read(settings.run_dir).values()),
            watermark_delay_ms=settings.processing.watermark_delay_hours * MS_PER_HOUR,
            models=tuple(_scored(settings)),
        )


def _scored(settings: Settings) -> Iterator[Scored]:
    for model in deployments.deployed(settings.run_dir):
        deployment = deployments.read_deployment(settings.run_dir, model)
        if deployment is not None:
            artifact = artifacts.load(settings.models_dir, model, deployment.champion)
            yield Scored(model, EVENT_TYPES[artifact.event], artifact.plan.only)


def _effects(settings: Settings) -> list[str]:
    with open_ledger(settings.gateway.ledger) as ledger:
        return [effect.command_id for effect in ledger.effects()]
