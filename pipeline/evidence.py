"""What each place says happened, read once and kept small: the topics, the stores, the gateway's ledger.

A place in a topic is one number (partition and offset), an identity one text: about 500 bytes per event over
all stages, so ten million events need 5 GB of memory. Nothing here judges; `verify` compares.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Final

from ingest.ports import Record
from models import actions, dead_letters, events, scores
from models.actions import Outcome
from models.errors import RejectEventError
from models.events import FUTURE_TOLERANCE_MS, Event
from storage.entities import CommandStatus, EntityStore, alert_id

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
    """

    topic: str
    places: set[int] = field(default_factory=set)
    invalid: set[int] = field(default_factory=set)
    late: set[int] = field(default_factory=set)
    repeats: int = 0
    first: dict[int, int] = field(default_factory=dict)


@dataclass
class Scores:
    """The topic `scores` or `alerts`.

    Attributes
    ----------
    ids
        Alert id (event and model) of every score, to its entity.
    alerts
        Ids whose score reaches the threshold.
    places
        Where the scored events lie, by source topic.
    duplicates, malformed
        Records that repeat an id, and records that are no score.
    complete
        Whether the topic still holds its beginning.
    """

    ids: dict[str, str] = field(default_factory=dict)
    alerts: set[str] = field(default_factory=set)
    places: dict[str, set[int]] = field(default_factory=dict)
    duplicates: int = 0
    malformed: int = 0
    complete: bool = True


@dataclass
class DeadLetters:
    """The topic `dead-letters`: what was refused where it lay in Kafka, and what the door refused, by reason."""

    places: dict[str, set[int]] = field(default_factory=dict)
    at_door: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0
    malformed: int = 0


@dataclass
class Commands:
    """The topic `commands`: (alarm id, command id) of each record."""

    pairs: list[tuple[str, str]] = field(default_factory=list)
    malformed: int = 0

    @property
    def ids(self) -> set[str]:
        """Every command id that was published."""
        return {command for _alarm, command in self.pairs}


@dataclass
class Acks:
    """The topic `acks`: every answer as (command id, outcome), in the order of each partition."""

    answers: list[tuple[str, Outcome]] = field(default_factory=list)
    malformed: int = 0


@dataclass
class Entities:
    """The entity store.

    Attributes
    ----------
    taken
        Alert ids that entities have taken.
    commands
        Status of each command in an outbox.
    command_pairs
        (alarm id, command id) of each command in an outbox.
    alarms
        (entity/condition, alarm id) of each listed alarm.
    """

    taken: set[str] = field(default_factory=set)
    commands: dict[str, CommandStatus] = field(default_factory=dict)
    command_pairs: list[tuple[str, str]] = field(default_factory=list)
    alarms: list[tuple[str, str]] = field(default_factory=list)


def read_source(
    topic: str, event_type: type[Event], records: Iterable[Record], newest: "Newest", delay_ms: int
) -> Source:
    """Read one source topic.

    Parameters
    ----------
    newest
        The newest event time over the topics of the query, as it rose with Kafka's time.
    delay_ms
        The watermark's delay, milliseconds.
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


def read_scores(records: Iterable[Record]) -> Scores:
    """Read `scores` or `alerts`."""
    found, begun = Scores(), set[int]()
    for record in records:
        if record.partition not in begun:
            begun.add(record.partition)
            found.complete &= record.offset == 0
        try:
            score = scores.decode(record.value or b"")
        except RejectEventError:
            found.malformed += 1
            continue
        identity = alert_id(score.event_id, score.model)
        found.duplicates += identity in found.ids
        found.ids[identity] = score.entity
        if score.is_alert:
            found.alerts.add(identity)
        found.places.setdefault(score.topic, set()).add(place(score.partition, score.offset))
    return found


def read_dead_letters(records: Iterable[Record]) -> DeadLetters:
    """Read `dead-letters`."""
    found = DeadLetters()
    for record in records:
        try:
            letter = dead_letters.decode(record.value or b"")
        except RejectEventError:
            found.malformed += 1
            continue
        if letter.topic is None or letter.partition is None or letter.offset is None:
            found.at_door[letter.reason] += 1
            continue
        places = found.places.setdefault(letter.topic, set())
        where = place(letter.partition, letter.offset)
        found.duplicates += where in places
        places.add(where)
    return found


def read_commands(records: Iterable[Record]) -> Commands:
    """Read `commands`."""
    found = Commands()
    for record in records:
        try:
            command = actions.decode_command(record.value or b"")
        except RejectEventError:
            found.malformed += 1
        else:
            found.pairs.append((command.alarm_id, command.command_id))
    return found


def read_acks(records: Iterable[Record]) -> Acks:
    """Read `acks`."""
    found = Acks()
    for record in records:
        try:
            ack = actions.decode_ack(record.value or b"")
        except RejectEventError:
            found.malformed += 1
        else:
            found.answers.append((ack.command_id, ack.outcome))
    return found


def read_entities(store: EntityStore) -> Entities:
    """Read every entity of the store, one after the other."""
    found = Entities()
    for entity in store.entities():
        snapshot = store.load(entity)
        found.taken |= snapshot.alerts
        for row in snapshot.commands:
            found.commands[row.command_id] = row.status
            command = actions.decode_command(row.body.encode())
            found.command_pairs.append((command.alarm_id, row.command_id))
        found.alarms.extend((f"{entity}/{a.condition}", a.alarm_id) for a in store.alarms_of(entity))
    return found
