"""Which saves share a conditional batch, and which batches may be under way at the same time."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from itertools import zip_longest
from typing import Final

from storage.entities import Change, Save

MOST_ENTITIES: Final = 32
"""Most entities of one batch: beyond it nothing more is gained."""

MOST_BYTES: Final = 32_000
"""Most characters of values in a batch of several entities; Cassandra refuses batches above 50 KiB by default."""

_ROW: Final = 100
"""What a row has beside its text."""


def waves(saves: Sequence[Save], partition_of: Callable[[str], Hashable]) -> Iterator[list[list[int]]]:
    """Yield batches, as the places of their saves, that may be under way at once: at most one of each partition.

    Parameters
    ----------
    partition_of
        Tells in which partition an entity lies: only entities of one partition share a batch.
    """
    batches = defaultdict[Hashable, list[list[int]]](list)
    room: dict[Hashable, int] = {}
    for place, save in enumerate(saves):
        partition, size = partition_of(save.entity), _size(save.change)
        own = batches[partition]
        if not own or len(own[-1]) == MOST_ENTITIES or size > room[partition]:
            own.append([])
            room[partition] = MOST_BYTES
        own[-1].append(place)
        room[partition] -= size
    for wave in zip_longest(*batches.values(), fillvalue=()):
        yield [list(batch) for batch in wave if batch]


def _size(change: Change) -> int:
    rows = [*(row.body for row in change.commands), *(row.body for row in change.operations), *change.alerts]
    return sum(len(text) + _ROW for text in (change.state, *rows))
