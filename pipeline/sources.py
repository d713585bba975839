"""Evidence from the source topics: every record's place, its validity, and whether it came behind the watermark.

A place in a topic is one number (partition and offset), so that millions fit into memory.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Final

from ingest.ports import Record
from models import events
from models.errors import RejectEventError
from models.events import FUTURE_TOLERANCE_MS, Event
from models.plan import is_seen

_PARTITION_BITS: Final = 48


def place(partition: int, offset: int) -> int:
    """Return a record's place in its topic as one number."""
    return partition << _PARTITION_BITS | offset


def partition_of(where: int) -> int:
    """Return the partition of a place."""
    return where >> _PARTITION_BITS


def place_name(topic: str, where: int) -> str:
    """Return `topic/partition/offset`."""
    return f"{topic}/{partition_of(where)}/{where & (1 << _PARTITION_BITS) - 1}"


@dataclass
class Source:
    """One source topic.

    Attributes
    ----------
    places
        Of all its records.
    invalid
        Of the records that are no valid event of this topic.
    late
        Of the valid events that were older than the newest one before them by more than the watermark's delay:
        the query may have dropped them.
    repeats
        Valid events whose id had come before.
    first
        The first offset that is still there, by partition.
    unseen
        Of the valid events that a model does not see, by model.
    """

    topic: str
    places: set[int] = field(default_factory=set)
    invalid: set[int] = field(default_factory=set)
    late: set[int] = field(default_factory=set)
    repeats: int = 0
    first: dict[int, int] = field(default_factory=dict)
    unseen: dict[str, set[int]] = field(default_factory=dict)


def read_source(
    topic: str,
    event_type: type[Event],
    records: Iterable[Record],
    newest: "Newest",
    delay_ms: int,
    *,
    models: Mapping[str, Mapping[str, str]],
) -> Source:
    """Read one source topic.

    Parameters
    ----------
    newest
        The newest event time over the topics of the query, as it rose with Kafka's time.
    delay_ms
        The watermark's delay, milliseconds.
    models
        What each model that scores these events asks for.
    """
    source, ids = Source(topic), set[str]()
    for record in records:
        where = place(record.partition, record.offset)
        source.places.add(where)
        source.first.setdefault(record.partition, record.offset)
        event = valid_event(record, event_type)
        if event is None:
            source.invalid.add(where)
            continue
        source.repeats += event.event_id in ids
        ids.add(event.event_id)
        if event.event_time < newest.before(record.timestamp_ms) - delay_ms:
            source.late.add(where)
        for model, only in models.items():
            if not is_seen(only, event):
                source.unseen.setdefault(model, set()).add(where)
    return source


def valid_event(record: Record, event_type: type[Event]) -> Event | None:
    """Return the event of a record as the query should see it, or None where it has to refuse it."""
    try:
        event = events.decode(record.value or b"")
    except RejectEventError:
        return None
    valid = (
        isinstance(event, event_type)
        and record.key == event.key.encode()
        and event.event_time <= record.timestamp_ms + FUTURE_TOLERANCE_MS
    )
    return event if valid else None


class Newest:
    """The newest event time over several topics, as a function of Kafka's time in milliseconds.

    Events of one millisecond count as having arrived together, so each may have made the others late.
    """

    def __init__(self) -> None:
        self._by_arrival: dict[int, int] = {}
        self._rises: list[tuple[int, int]] | None = None

    def see(self, arrived_ms: int, event_time: int) -> None:
        """Take in one event, the topics in any order."""
        self._by_arrival[arrived_ms] = max(event_time, self._by_arrival.get(arrived_ms, 0))
        self._rises = None

    def before(self, arrived_ms: int) -> int:
        """Return the newest event time that had arrived by then, milliseconds since the epoch; 0 for none."""
        if self._rises is None:
            self._rises = _rises(sorted(self._by_arrival.items()))
        index = bisect_right(self._rises, arrived_ms, key=itemgetter(0))
        return self._rises[index - 1][1] if index else 0


def _rises(steps: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    rises: list[tuple[int, int]] = []
    for arrived, event_time in steps:
        if not rises or event_time > rises[-1][1]:
            rises.append((arrived, event_time))
    return rises
