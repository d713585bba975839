"""The real places behind `fastdata alarms`."""

import time
from collections.abc import Iterable
from functools import partial
from uuid import uuid4

from ingest.admin import group_members
from ingest.producer import Producer
from models.operations import Action, AuditEntry
from pipeline import operators
from pipeline.bootstrap.clocks import wall_ms
from pipeline.bootstrap.stores import open_stores
from pipeline.operators import Desk, Told, Wish
from pipeline.settings import Settings
from storage.alarms import AlarmRow

LOOK_S = 0.1
"""Seconds between two looks for an answer."""


def listed(settings: Settings, states: Iterable[str]) -> list[AlarmRow]:
    """Return the alarms in these states, newest first; without a state all that are open."""
    with open_stores(settings.cassandra) as stores:
        return operators.listed(stores.entities, states)


def told(settings: Settings, name: str) -> list[Told]:
    """Return one alarm by its id, or all of an entity."""
    with open_stores(settings.cassandra) as stores:
        return operators.told(stores.entities, name)


def audited(settings: Settings, name: str | None, limit: int) -> list[AuditEntry]:
    """Return the latest audit entries."""
    with open_stores(settings.cassandra) as stores:
        return operators.audited(stores.entities, name, limit)


def operate(
    settings: Settings,
    name: str,
    action: Action,
    *,
    who: str,
    why: str,
    wait_s: float,
    lasts_s: int | None = None,
) -> AuditEntry:
    """Do something with the alarm of this name and return what became of it."""
    with open_stores(settings.cassandra) as stores, Producer(settings.kafka) as producer:
        desk = Desk(
            store=stores.entities,
            producer=producer,
            actors=partial(group_members, settings.kafka, settings.actors.group),
            clock=wall_ms,
            new_id=lambda: f"operation-{uuid4().hex}",
            pause=partial(time.sleep, LOOK_S),
        )
        alarm = operators.chosen(stores.entities, name)
        return operators.operate(desk, Wish(action, alarm, who, why, lasts_s), wait_s)
