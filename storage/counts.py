"""The port of counts: what each stage was given in a minute and what was found behind it, and how far that is counted."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class MinuteCount:
    """One stage in one minute, as it is known now.

    Attributes
    ----------
    minute
        Its beginning, milliseconds since the epoch.
    stage
        What is compared.
    part
        Of what: a partition of a topic, and the model where there are several.
    given, found
        How many, on either side.
    first_offset, end_offset
        The records that were counted: from the first offset up to, not including, the end.
    checked
        How many of those given were looked for; fewer than given where a sample is checked.
    missing
        How many of them are missing.
    counts
        Parts of the equation by name.
    ids
        Names of what is missing, some of them.
    lost
        What it takes to notice that what is missing has come, in the reconciler's own form.
    """

    minute: int
    stage: str
    part: str
    given: int
    found: int
    first_offset: int = 0
    end_offset: int = 0
    checked: int = 0
    missing: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    ids: tuple[str, ...] = ()
    lost: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How far one partition of a topic is counted.

    Attributes
    ----------
    part
        `topic/partition`, the topic by its name in Kafka.
    minute
        The beginning of the last minute that is counted, milliseconds since the epoch.
    end_offset
        The next record to count.
    newest
        The newest event time before that, milliseconds since the epoch; 0 where there is none.
    """

    part: str
    minute: int
    end_offset: int
    newest: int = 0


class CountStore(Protocol):
    """Counts by minute, and the positions of what was counted."""

    def record(self, counts: Sequence[MinuteCount], position: Position | None = None) -> None:
        """Store counts, each in place of what was there, and the position with them: all or nothing.

        Raises
        ------
        RetryLaterError
            Cassandra did not confirm it; the same call may be repeated.
        """
        ...

    def positions(self) -> list[Position]:
        """Return how far every partition is counted, sorted by part."""
        ...

    def between(self, start_ms: int, end_ms: int) -> list[MinuteCount]:
        """Return the counts of minutes with start <= beginning < end, the oldest first, then by stage and part.

        Raises
        ------
        RefuseInputError
            The range is reversed, or spans too many days.
        """
        ...

    def gaps(self) -> list[MinuteCount]:
        """Return the counts with something missing, in the same order."""
        ...
