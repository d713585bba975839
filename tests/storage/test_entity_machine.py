"""Any order of saves, stale saves, repeated saves and restarts keeps an entity whole."""

import pytest
from hypothesis import settings as limits
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from storage.entities import Change, CommandRow, Snapshot
from storage.errors import StaleWriteError
from storage.memory import MemoryEntityStore

IDS = st.lists(st.sampled_from("abcdef"), max_size=3, unique=True).map(tuple)
COMMANDS = st.lists(
    st.builds(
        CommandRow,
        st.sampled_from(["k1", "k2", "k3"]),
        st.sampled_from(["queued", "sent", "succeeded"]),
        st.just("{}"),
    ),
    max_size=2,
    unique_by=lambda row: row.command_id,
).map(tuple)
CHANGES = st.builds(Change, st.text(max_size=3), IDS, COMMANDS)
ENTITIES = st.sampled_from(["card-1", "card-2"])


class Entities(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.store = MemoryEntityStore(lambda: 0)
        self.applied: dict[str, list[Change]] = {}

    @rule(entity=ENTITIES, change=CHANGES)
    def save(self, entity: str, change: Change) -> None:
        version = len(self.applied.get(entity, []))
        assert self.store.save(entity, version, change) == version + 1
        self.applied.setdefault(entity, []).append(change)

    @rule(entity=ENTITIES, change=CHANGES, off=st.sampled_from([-2, -1, 1, 3]))
    def save_at_a_wrong_version(self, entity: str, change: Change, off: int) -> None:
        with pytest.raises(StaleWriteError):
            self.store.save(entity, len(self.applied.get(entity, [])) + off, change)

    @invariant()
    def each_entity_is_the_sum_of_its_changes(self) -> None:
        assert sorted(self.store.entities()) == sorted(self.applied)
        for entity, changes in self.applied.items():
            commands = {row.command_id: row for change in changes for row in change.commands}
            assert self.store.load(entity) == Snapshot(
                version=len(changes),
                state=changes[-1].state,
                alerts=frozenset(alert for change in changes for alert in change.alerts),
                commands=tuple(commands[key] for key in sorted(commands)),
            )


TestEntities = Entities.TestCase
TestEntities.settings = limits(max_examples=60, stateful_step_count=30, deadline=None)
