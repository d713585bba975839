"""Entity snapshots in memory, and the one way to change an entity: decide on its snapshot, save if unchanged."""

from collections import OrderedDict
from collections.abc import Callable
from typing import TypeAlias

import structlog

from actors.decisions import advance
from storage.entities import Change, EntityStore, Snapshot
from storage.errors import StaleWriteError

Decide: TypeAlias = Callable[[Snapshot], Change | None]

_log = structlog.get_logger(__name__)


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
        self._told: dict[str, int] = {}

    def change(self, entity: str, decide: Decide) -> Snapshot:
        """Save what `decide` returns and return the snapshot afterwards.

        A kept snapshot, or one that was loaded the cheap way, may be behind. A save finds that out, and the entity
        is loaded again and decided anew; "nothing to save" is only believed of one that was loaded settled.
        """
        kept = self._kept.pop(entity, None)
        snapshot, settled = kept or self._store.load(entity, settled=False), False
        while True:
            change = decide(snapshot)
            if change is None and settled:
                return self._keep(entity, snapshot)
            if change is not None and (saved := self._saved(entity, snapshot, change)) is not None:
                return saved
            snapshot, settled = self._settled(entity, kept), True

    def _settled(self, entity: str, kept: Snapshot | None) -> Snapshot:
        loaded = self._store.load(entity)
        return kept if kept is not None and kept.version == loaded.version else loaded

    def note(self, entity: str, snapshot: Snapshot) -> Snapshot:
        """Keep a snapshot that knows more than what is stored under its version; the next save tells the rest."""
        return self._keep(entity, snapshot)

    def told(self, entity: str, snapshot: Snapshot) -> None:
        """Note that Kafka has all changes of alarms that this snapshot holds."""
        if entity in self._kept:
            self._told[entity] = snapshot.version

    def is_told(self, entity: str, snapshot: Snapshot) -> bool:
        """Whether Kafka is known to have all changes of alarms that this snapshot holds."""
        return self._told.get(entity) == snapshot.version

    def _saved(self, entity: str, snapshot: Snapshot, change: Change) -> Snapshot | None:
        try:
            version = self._store.save(entity, snapshot.version, change)
        except StaleWriteError as stale:
            _log.info("entity_changed_elsewhere", entity=entity, expected=stale.expected, found=stale.found)
            return None
        return self._keep(entity, advance(snapshot, change, version))

    def _keep(self, entity: str, snapshot: Snapshot) -> Snapshot:
        self._kept[entity] = snapshot
        if len(self._kept) > self._capacity:
            gone, _ = self._kept.popitem(last=False)
            self._told.pop(gone, None)
        return snapshot
