"""What the queries have done, kept in one small file: read by `status`, `verify` and the live view.

It survives a restart of the query: rows dropped as late add up over intervals, and an interval that is
reported again replaces its own contribution.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from processing.progress import Interval  # Spark takes a second to import; readers do without

FILE_NAME: Final = "progress.json"

_NO_BATCH: Final = -1


class Kept(msgspec.Struct, frozen=True):
    """One query: its latest interval, and the late rows of all intervals before that one.

    Attributes
    ----------
    read
        Next offset per source topic (name in Kafka) and partition, as committed.
    """

    batch: int
    timestamp: str
    read: dict[str, dict[int, int]]
    dropped: int
    dropped_before: int

    @property
    def dropped_late(self) -> int:
        """Rows dropped behind the watermark in all intervals."""
        return self.dropped_before + self.dropped


_decoder = msgspec.json.Decoder(dict[str, Kept])


def read(run_dir: Path) -> dict[str, Kept]:
    """Return what is kept, by query name; empty when no query has finished an interval."""
    try:
        return _decoder.decode((run_dir / FILE_NAME).read_bytes())
    except FileNotFoundError:
        return {}


def after(kept: Mapping[str, Kept], interval: "Interval") -> dict[str, Kept]:
    """Return what is to be kept after one more interval."""
    known = kept.get(interval.query)
    before = 0
    if known is not None:
        before = known.dropped_before if known.batch == interval.batch else known.dropped_late
    latest = Kept(interval.batch, interval.timestamp, interval.read, interval.dropped_late, before)
    return {**kept, interval.query: latest}


def move(run_dir: Path, old: str, new: str) -> None:
    """Let a query take the place of another: what was dropped before is not forgotten, and nobody waits for the old one."""
    kept = read(run_dir)
    if old in kept:
        write(run_dir, moved(kept, old, new))


def forget_others(run_dir: Path, running: Collection[str]) -> None:
    """Forget queries that no longer run: nobody waits for them."""
    kept = read(run_dir)
    if kept.keys() - set(running):
        write(run_dir, {name: k for name, k in kept.items() if name in running})


def moved(kept: Mapping[str, Kept], old: str, new: str) -> dict[str, Kept]:
    """Return what is kept when a query takes the place of another."""
    before = kept[old]
    taken = Kept(_NO_BATCH, before.timestamp, before.read, 0, before.dropped_late)
    return {**{name: k for name, k in kept.items() if name != old}, new: taken}


def write(run_dir: Path, kept: Mapping[str, Kept]) -> None:
    """Replace the file, whole or not at all."""
    run_dir.mkdir(parents=True, exist_ok=True)
    unfinished = run_dir / f"{FILE_NAME}.new"
    unfinished.write_bytes(msgspec.json.encode(kept))
    unfinished.replace(run_dir / FILE_NAME)


def done(kept: Mapping[str, Kept], awaited: Collection[str]) -> dict[tuple[str, int], int]:
    """Return the next record of each source partition that any query still has to commit; none while an awaited query has committed nothing.

    Parameters
    ----------
    awaited
        The queries that have to score; the one that only rejects may be far ahead of them.
    """
    found: dict[tuple[str, int], int] = {}
    if set(awaited) <= kept.keys():
        for query in kept.values():
            for topic, offsets in query.read.items():
                for partition, offset in offsets.items():
                    found[topic, partition] = min(offset, found.get((topic, partition), offset))
    return found


def lag(kept: Mapping[str, Kept], ends: Mapping[str, Mapping[int, int]]) -> int:
    """Return how many records of its topics the query with the most to do has not committed; all records before any query has.

    Parameters
    ----------
    ends
        End offsets by source topic (name in Kafka) and partition.
    """
    total = sum(sum(partitions.values()) for partitions in ends.values())
    return max((_left(k.read, ends) for k in kept.values()), default=total)


def _left(read_to: Mapping[str, Mapping[int, int]], ends: Mapping[str, Mapping[int, int]]) -> int:
    return sum(
        max(0, end - done.get(partition, 0))
        for topic, done in read_to.items()
        for partition, end in ends.get(topic, {}).items()
    )
