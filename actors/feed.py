"""How far a worker group has come with a topic: until when it has heard everything, and silence is silence."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

import structlog

from ingest.errors import RetryLaterError
from ingest.group_offsets import committed
from ingest.offsets import watermarks
from ingest.ports import Clock
from ingest.settings import KafkaSettings, TopicName

_log = structlog.get_logger(__name__)


class Reach(NamedTuple):
    """Of one partition: the offset after its last record, and the next one that the group will take."""

    end: int
    taken: int


Reaches: TypeAlias = Mapping[int, Reach]
Look: TypeAlias = Callable[[], Reaches]
"""Asks Kafka, by partition."""


class Feed:
    """Knows until when everything that had come was taken.

    It notes where the topic ended at some time; when the group has come that far, it has heard everything until then.
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


class Heard:
    """Until when all of a topic was taken, as it was found last; one for all threads of a worker."""

    def __init__(self, look: Look, clock: Clock) -> None:
        self._look = look
        self._clock = clock
        self._feed = Feed()
        self._until = 0

    def __call__(self) -> int:
        """Return it in milliseconds since the epoch; 0 while it was never found."""
        return self._until

    def ask(self) -> int | None:
        """Look, and return until when all was heard; None while workers are behind, or Kafka is away."""
        now = self._clock()
        try:
            until = self._feed.heard_until(now, self._look())
        except RetryLaterError as error:
            _log.warning("sweep_left_out", error=str(error))
            return None
        self._until = until or self._until
        return until


class Feeds(NamedTuple):
    """What workers have heard."""

    alerts: Heard
    answers: Heard


def everything() -> None:
    """Know of nothing that has come and was not taken."""


def look_at(kafka: KafkaSettings, group: str, topic: TopicName) -> Reaches:
    """Ask Kafka how far a group has come with a topic."""
    bounds, done = watermarks(kafka, topic), committed(kafka, group, topic)
    return {p: Reach(end, max(first, done.get(p, 0))) for p, (first, end) in bounds.items()}
