"""When a shard builds upon what it has in memory, and when it asks the store again."""

from collections.abc import Callable, Sequence

from actors.snapshots import FOR_MS, Snapshots
from storage.entities import Change, Snapshot
from storage.memory import MemoryEntityStore


class Asked(MemoryEntityStore):
    """Notes which entities were loaded."""

    def __init__(self) -> None:
        super().__init__(lambda: 0)
        self.loads: list[str] = []

    def load_all(self, entities: Sequence[str], *, settled: bool = True) -> list[Snapshot]:
        self.loads += entities
        return super().load_all(entities, settled=settled)


def taking(alert: str) -> Callable[[Snapshot], Change | None]:
    return lambda _: Change("{}", (alert,))


def test_an_entity_that_is_never_idle_is_loaded_again_after_a_day() -> None:
    store, now = Asked(), 1_000
    snapshots = Snapshots(store, 10, lambda: now)
    snapshots.change("card-1", taking("a1"))
    for hour in range(24):
        now = 1_000 + hour * FOR_MS // 24
        snapshots.change("card-1", taking(f"b{hour}"))
    assert store.loads == ["card-1"]
    now = 1_000 + FOR_MS
    assert len(snapshots.change("card-1", taking("c1")).alerts) == 26
    snapshots.change("card-1", taking("c2"))
    assert store.loads == ["card-1", "card-1"]
    now += FOR_MS
    snapshots.change("card-1", taking("c3"))
    assert store.loads == ["card-1", "card-1", "card-1"]


def test_the_one_unused_for_longest_is_loaded_again() -> None:
    store = Asked()
    snapshots = Snapshots(store, 2, lambda: 0)
    for card in ("card-1", "card-2", "card-1", "card-3", "card-1", "card-2"):
        snapshots.change(card, taking("a"))
    assert store.loads == ["card-1", "card-2", "card-3", "card-2"]
