"""The port of scores: keyed by entity, day, event time, event and model, so a redelivery overwrites itself."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from models.scores import Score


@dataclass(frozen=True, slots=True)
class StampedScore:
    """A score and the microsecond stamp that orders it among rows of the same event.

    Where a record lies in Kafka gives the stamp (`stamp_of`), never a clock: the same record stored twice
    is the same row, and of two different records of one event the later one wins, whoever writes it last.
    """

    score: Score
    stamp_us: int


def stamp_of(timestamp_ms: int, offset: int) -> int:
    """Return the stamp of a record: its Kafka timestamp, made distinct within a millisecond by its offset."""
    return timestamp_ms * 1000 + offset % 1000


class ScoreStore(Protocol):
    """Scores by entity and time, and by event."""

    def write(self, scores: Sequence[StampedScore]) -> None:
        """Store all scores; any of them may be stored when it raises, and all may be written again.

        Raises
        ------
        RetryLaterError
            Cassandra did not confirm every row.
        """
        ...

    def of_entity(self, entity: str, start_ms: int, end_ms: int) -> list[Score]:
        """Return the scores of events with start <= event time < end, oldest first.

        Raises
        ------
        RefuseInputError
            The range is reversed, or spans more than `MAX_DAYS` days.
        """
        ...

    def by_event(self, event_id: str) -> list[Score]:
        """Return what each model said of one event, sorted by model."""
        ...

    def ids(self) -> Iterator[tuple[str, str]]:
        """Walk (event id, model) of all scores in no order, without loading them all at a time."""
        ...
