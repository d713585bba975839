"""The desk from which people ask actors for something, on the real servers."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final, NamedTuple
from uuid import uuid4

from ingest.admin import group_members
from ingest.producer import Producer
from pipeline.asking import Desk
from pipeline.bootstrap.clocks import wall_ms
from pipeline.bootstrap.stores import Stores, open_stores
from pipeline.settings import Settings

LOOK_S: Final = 0.1
"""Seconds between two looks for an answer."""


class Office(NamedTuple):
    """The stores, and the desk beside them."""

    stores: Stores
    desk: Desk


@contextmanager
def open_office(settings: Settings) -> Iterator[Office]:
    """Connect to Cassandra and Kafka, and close both at the end."""
    with open_stores(settings.cassandra) as stores, Producer(settings.kafka) as producer:
        desk = Desk(
            store=stores.entities,
            producer=producer,
            actors=partial(group_members, settings.kafka, settings.actors.group),
            clock=wall_ms,
            new_id=lambda: f"operation-{uuid4().hex}",
            pause=partial(time.sleep, LOOK_S),
        )
        yield Office(stores, desk)
