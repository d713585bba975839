"""How far a worker group has come with the feed of alerts: until when it has heard everything, and silence is silence."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

from ingest.group_offsets import committed
from ingest.offsets import watermarks
from ingest.settings import KafkaSettings


class Reach(NamedTuple):
    """Of one partition: the offset after its last record, and the next one that the group will take."""

    end: int
    taken: int


Reaches: TypeAlias = Mapping[int, Reach]
Look: TypeAlias = Callable[[], Reaches]
"""Asks Kafka, by partition."""


class Feed:
    """Knows until when everything that had come was taken.

    It notes where the feed ended at some time; when the group has come that far, it has heard everything until then.
    """

    def __init__(self) -> None:
        self._noted: tuple[int, Reaches] | None = None

    def heard_until(self, now: int, reaches: Reaches) -> int | None:
        """Return until when all was heard (milliseconds since the epoch); None while the group is behind.

        Parameters
        ----------
        now
            A time before `reaches` was asked for.
        """
        noted, self._noted = self._noted or (now, reaches), None
        at, ends = noted
        if all(reaches[partition].taken >= ends[partition].end for partition in ends if partition in reaches):
            return at
        self._noted = noted
        return None


def look_at(kafka: KafkaSettings, group: str) -> Reaches:
    """Ask Kafka how far a group has come with the alerts."""
    bounds, done = watermarks(kafka, "alerts"), committed(kafka, group, "alerts")
    return {p: Reach(end, max(first, done.get(p, 0))) for p, (first, end) in bounds.items()}
