"""Entity snapshots in memory, and the one way to change an entity: decide on its snapshot, save if unchanged."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

import structlog

from actors.decisions import advance
from actors.listed import Listed, Row
from ingest.ports import Clock
from storage.alarms import AlarmRow
from storage.entities import EMPTY, Change, CommandRow, EntityStore, Save, Snapshot
from storage.errors import StaleWriteError
from storage.orders import OrderRow

Decide: TypeAlias = Callable[[str, Snapshot], Change | None]

FOR_MS: Final = 86_400_000
"""How long a snapshot is built upon before the entity is loaded again, in milliseconds.

What has expired in the store leaves memory then too: an entity that is never idle would gather every alert it ever took.
"""

_log = structlog.get_logger(__name__)


class Snapshots:
    """The entities that one shard used last, each as it was saved last; the shard's own, not shared.

    Parameters
    ----------
    capacity
        Most snapshots kept; the one unused for longest goes first.
    clock
        Milliseconds since the epoch.
    """

    def __init__(self, store: EntityStore, capacity: int, clock: Clock) -> None:
        self._store = store
        self._capacity = capacity
        self._clock = clock
        self._kept: OrderedDict[str, Snapshot] = OrderedDict()
        self._since: dict[str, int] = {}
        self._told: dict[str, int] = {}
        self._noted: dict[str, tuple[CommandRow, ...]] = {}
        self._listed = Listed()

    def change(self, entity: str, decide: Callable[[Snapshot], Change | None]) -> Snapshot:
        """Save what `decide` returns for one entity and return its snapshot afterwards."""
        return self.change_all([entity], lambda _, snapshot: decide(snapshot))[entity]

    def change_all(self, entities: Iterable[str], decide: Decide) -> dict[str, Snapshot]:
        """Save what `decide` returns for each entity and return their snapshots afterwards.

        A kept snapshot, or one that was loaded the cheap way, may be behind. A save finds that out, and the entity
        is loaded again and decided anew; "nothing to save" is only believed of one that was loaded settled.
        """
        left = self._known(entities)
        done = dict.fromkeys(left, EMPTY)
        settled = False
        while left:
            changes = {entity: decide(entity, snapshot) for entity, snapshot in left.items()}
            after = self._saved(left, {entity: c for entity, c in changes.items() if c is not None})
            if settled:
                same = [entity for entity, change in changes.items() if change is None]
                after |= {entity: self._keep(entity, left[entity]) for entity in same}
            done |= after
            left, settled = self._settled([entity for entity in left if entity not in after]), True
        return done

    def note(self, entity: str, snapshot: Snapshot, change: Change) -> Snapshot:
        """Keep what became known of an entity without a save of its own; the next save tells it."""
        noted = {row.command_id: row for row in (*self._noted.get(entity, ()), *change.commands)}
        self._noted[entity] = tuple(noted.values())
        return self._keep(entity, advance(snapshot, change, snapshot.version))

    def news(self, entity: str, rows: Sequence[Row]) -> list[Row]:
        """Return the rows for lists that do not stand there yet, as far as that is known."""
        return self._listed.news(entity, rows)

    def listed(self, entity: str, rows: Sequence[AlarmRow | OrderRow]) -> None:
        """Note that these rows stand in the lists."""
        if entity in self._kept:
            self._listed.note(entity, rows)

    def told(self, entity: str, snapshot: Snapshot) -> None:
        """Note that Kafka has all changes of alarms that this snapshot holds."""
        if entity in self._kept:
            self._told[entity] = snapshot.version

    def is_told(self, entity: str, snapshot: Snapshot) -> bool:
        """Whether Kafka is known to have all changes of alarms that this snapshot holds."""
        return self._told.get(entity) == snapshot.version

    def _known(self, entities: Iterable[str]) -> dict[str, Snapshot]:
        wanted = list(entities)
        oldest = self._clock() - FOR_MS
        absent = [entity for entity in wanted if self._since.get(entity, oldest) <= oldest]
        loaded = dict(zip(absent, self._store.load_all(absent, settled=False), strict=True)) if absent else {}
        for entity in absent:
            self._forget(entity)
        return {entity: loaded[entity] if entity in loaded else self._kept[entity] for entity in wanted}

    def _settled(self, entities: Sequence[str]) -> dict[str, Snapshot]:
        if not entities:
            return {}
        loaded = zip(entities, self._store.load_all(entities), strict=True)
        return {entity: self._newer(entity, snapshot) for entity, snapshot in loaded}

    def _newer(self, entity: str, loaded: Snapshot) -> Snapshot:
        kept = self._kept.get(entity)
        if kept is not None and kept.version == loaded.version:
            return kept
        self._forget(entity)
        return loaded

    def _saved(self, before: Mapping[str, Snapshot], changes: Mapping[str, Change]) -> dict[str, Snapshot]:
        """Save changes and return the snapshots of those that were not refused."""
        whole = {entity: self._with_noted(entity, change) for entity, change in changes.items()}
        saves = [Save(entity, before[entity].version, change) for entity, change in whole.items()]
        found = zip(saves, self._store.save_all(saves) if saves else (), strict=True)
        return {
            save.entity: self._advanced(save, before[save.entity], outcome)
            for save, outcome in found
            if not self._is_stale(save, outcome)
        }

    def _advanced(self, save: Save, before: Snapshot, version: int | StaleWriteError) -> Snapshot:
        assert isinstance(version, int)
        self._noted.pop(save.entity, None)
        return self._keep(save.entity, advance(before, save.change, version))

    def _with_noted(self, entity: str, change: Change) -> Change:
        noted = self._noted.get(entity)
        if not noted:
            return change
        rows = {row.command_id: row for row in (*noted, *change.commands)}
        return replace(change, commands=tuple(rows.values()))

    def _is_stale(self, save: Save, outcome: int | StaleWriteError) -> bool:
        if not isinstance(outcome, StaleWriteError):
            return False
        _log.info(
            "entity_changed_elsewhere", entity=save.entity, expected=outcome.expected, found=outcome.found
        )
        return True

    def _keep(self, entity: str, snapshot: Snapshot) -> Snapshot:
        self._kept[entity] = snapshot
        self._kept.move_to_end(entity)
        self._since.setdefault(entity, self._clock())
        if len(self._kept) > self._capacity:
            self._forget(next(iter(self._kept)))
        return snapshot

    def _forget(self, entity: str) -> None:
        self._kept.pop(entity, None)
        self._since.pop(entity, None)
        self._told.pop(entity, None)
        self._noted.pop(entity, None)
        self._listed.forget(entity)
