"""Entity snapshots in memory, and the one way to change an entity: decide on its snapshot, save if unchanged."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol, TypeAlias

import structlog

from actors.decisions import advance
from storage.alarms import AlarmStore
from storage.entities import Change, EntityStore, Snapshot
from storage.errors import StaleWriteError

Decide: TypeAlias = Callable[[Snapshot], Change | None]

_log = structlog.get_logger(__name__)


class Store(EntityStore, AlarmStore, Protocol):
    """What actors need of storage."""


class Snapshots:
    """The entities that one shard used last, each as it was saved last; the shard's own, not shared.

    Parameters
    ----------
    capacity
        Most snapshots kept; the one unused for longest goes first.
    """

    def __init__(self, store: EntityStore, capacity: int) -> None:
        self._store = store
        self._capacity = capacity
        self._kept: OrderedDict[str, Snapshot] = OrderedDict()

    def change(self, entity: str, decide: Decide) -> Snapshot:
        """Save what `decide` returns and return the snapshot afterwards.

        When another writer was there first, the entity is loaded again and decided anew; `decide` may
        return None when nothing is to be saved.
        """
        while True:
            snapshot = self._get(entity)
            change = decide(snapshot)
            if change is None:
                return snapshot
            try:
                return self._save(entity, snapshot, change)
            except StaleWriteError as stale:
                _log.info(
                    "entity_changed_elsewhere", entity=entity, expected=stale.expected, found=stale.found
                )

    def _get(self, entity: str) -> Snapshot:
        snapshot = self._kept.pop(entity, None) or self._store.load(entity)
        self._kept[entity] = snapshot
        if len(self._kept) > self._capacity:
            self._kept.popitem(last=False)
        return snapshot

    def _save(self, entity: str, snapshot: Snapshot, change: Change) -> Snapshot:
        self._kept.pop(entity)
        version = self._store.save(entity, snapshot.version, change)
        saved = self._kept[entity] = advance(snapshot, change, version)
        return saved
