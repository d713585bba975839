"""What each place says happened, read once and kept small: the topics, the stores, the gateway's ledger.

An identity is one text, a place in a source topic one number (`sources`): about 500 bytes per event over
all stages, so ten million events need 5 GB of memory. Nothing here judges; `verify` compares.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeVar

from actors.case_work import labels
from actors.entity import decode as state_of
from ingest.ports import Record
from models import actions, dead_letters, events, operations, orders, scores
from models.actions import Command, Outcome
from models.alarms import CLOSED
from models.errors import RejectEventError
from models.operations import ALL_COMMANDS
from models.orders import BY_POLICY, Order
from pipeline.sources import place
from storage.entities import EntityStore, alert_id

M = TypeVar("M")

DELIVERED: Final[Outcome] = "delivered"


@dataclass
class Scores:
    """The topic `scores` or `alerts`.

    Attributes
    ----------
    ids
        Alert id (event and model) of every score, to the model and version that acts on the event, as in its last
        record.
    several
        Ids that have records by more than one version.
    alerts
        Ids whose score reaches the threshold.
    places
        Where the scored events lie, by model and source topic.
    duplicates, malformed
        Records that repeat an id, and records that are no score.
    complete
        Whether the topic still holds its beginning.
    """

    ids: dict[str, str] = field(default_factory=dict)
    several: set[str] = field(default_factory=set)
    alerts: set[str] = field(default_factory=set)
    places: dict[tuple[str, str], set[int]] = field(default_factory=dict)
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
    """The topic `commands`: (purpose, command id) of each record."""

    pairs: list[tuple[str, str]] = field(default_factory=list)
    malformed: int = 0

    @property
    def ids(self) -> set[str]:
        """Every command id that was published."""
        return {command for _purpose, command in self.pairs}


@dataclass
class Acks:
    """The topic `acks`: every last word as (command id, outcome), in the order of each partition."""

    answers: list[tuple[str, Outcome]] = field(default_factory=list)
    malformed: int = 0


@dataclass
class Operations:
    """The topic `operations`.

    Attributes
    ----------
    ids
        Every operation id.
    complete
        Whether the topic shows that it still holds its beginning.
    """

    ids: set[str] = field(default_factory=set)
    duplicates: int = 0
    malformed: int = 0
    complete: bool = True


@dataclass
class Labels:
    """The topic `labels`, as far as cases wrote it.

    Attributes
    ----------
    ids
        Every id that an outcome asks for.
    duplicates
        How often such a label came again: models count it again too.
    complete
        Whether the topic still holds its beginning.
    """

    ids: set[str] = field(default_factory=set)
    duplicates: int = 0
    malformed: int = 0
    complete: bool = True


@dataclass
class Entities:
    """The entity store.

    Attributes
    ----------
    taken
        Alert ids that entities have taken.
    orders
        Each command in an outbox, by its id.
    alarms
        (entity/condition, alarm id) of each open alarm in the list.
    closed
        How many alarms in the list are closed.
    operations
        Ids of the operations that entities have decided.
    audit
        Verdict of each operation in the audit.
    outcomes
        Ids of the labels that the outcomes of cases became.
    """

    taken: set[str] = field(default_factory=set)
    orders: dict[str, Order] = field(default_factory=dict)
    alarms: list[tuple[str, str]] = field(default_factory=list)
    closed: int = 0
    operations: set[str] = field(default_factory=set)
    audit: dict[str, str] = field(default_factory=dict)
    outcomes: set[str] = field(default_factory=set)


def read_scores(records: Iterable[Record]) -> Scores:
    """Read `scores` or `alerts`."""
    found = Scores()
    for record in _from_the_beginning(records, found):
        try:
            score = scores.decode(record.value or b"")
        except RejectEventError:
            found.malformed += 1
            continue
        identity = alert_id(score.event_id, score.model)
        found.duplicates += identity in found.ids
        version = sys.intern(f"{score.model} {score.version}")
        if found.ids.setdefault(identity, version) != version:
            found.several.add(identity)
        found.ids[identity] = version
        if score.is_alert:
            found.alerts.add(identity)
        where = found.places.setdefault((score.model, score.topic), set())
        where.add(place(score.partition, score.offset))
    return found


def read_dead_letters(records: Iterable[Record]) -> DeadLetters:
    """Read `dead-letters`."""
    found = DeadLetters()
    for letter in _readable(records, dead_letters.decode, found):
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
    for command in _readable(records, actions.decode_command, found):
        found.pairs.append((purpose(command), command.command_id))
    return found


def purpose(command: Command) -> str:
    """Return what a command is for: of one purpose there is one command, but for what people send."""
    if command.reverts is not None:
        return f"{command.reverts}/reverted"
    if command.cancels is not None:
        return f"{command.cancels}/cancelled"
    return f"{command.alarm_id}/{command.kind}" if command.by == BY_POLICY else command.command_id


def read_acks(records: Iterable[Record]) -> Acks:
    """Read `acks`."""
    found = Acks()
    for ack in _readable(records, actions.decode_ack, found):
        if ack.outcome != DELIVERED:
            found.answers.append((ack.command_id, ack.outcome))
    return found


def read_operations(records: Iterable[Record]) -> Operations:
    """Read `operations`."""
    found = Operations()
    for operation in _readable(_from_the_beginning(records, found), operations.decode, found):
        found.duplicates += operation.operation_id in found.ids
        found.ids.add(operation.operation_id)
    found.complete &= bool(found.ids) or found.malformed > 0
    return found


def read_labels(records: Iterable[Record], outcomes: AbstractSet[str]) -> Labels:
    """Read `labels`; of interest are those that outcomes of cases ask for."""
    found = Labels()
    for label in _readable(_from_the_beginning(records, found), events.decode, found):
        if label.event_id in outcomes:
            found.duplicates += label.event_id in found.ids
            found.ids.add(label.event_id)
    return found


class _IsComplete(Protocol):
    complete: bool


def _from_the_beginning(records: Iterable[Record], found: _IsComplete) -> Iterator[Record]:
    """Yield the records, and note where the first of a partition is not its first ever."""
    begun: set[int] = set()
    for record in records:
        if record.partition not in begun:
            begun.add(record.partition)
            found.complete &= record.offset == 0
        yield record


class _CountsMalformed(Protocol):
    malformed: int


def _readable(
    records: Iterable[Record], decode: Callable[[bytes], M], found: _CountsMalformed
) -> Iterator[M]:
    """Yield what the records hold, and count those that hold something else."""
    for record in records:
        try:
            message = decode(record.value)
        except RejectEventError:
            found.malformed += 1
        else:
            yield message


def read_entities(store: EntityStore) -> Entities:
    """Read every entity of the store, one after the other."""
    found = Entities()
    for entity in store.entities():
        snapshot = store.load(entity)
        found.taken |= snapshot.alerts
        found.orders.update((row.command_id, orders.decode(row.body)) for row in snapshot.commands)
        found.operations |= {row.operation_id for row in snapshot.operations}
        cases = state_of(snapshot.state).cases.all
        found.outcomes |= {label.event_id for case in cases for label in labels(entity, case)}
        alarms = store.alarms_of(entity)
        opened = [alarm for alarm in alarms if alarm.state != CLOSED]
        found.alarms.extend((f"{entity}/{alarm.condition}", alarm.alarm_id) for alarm in opened)
        found.closed += len(alarms) - len(opened)
    # the stop of all commands goes past Kafka and its actors: at once, or not at all
    found.audit.update((name, verdict) for name, of, verdict in store.audited() if of != ALL_COMMANDS)
    return found
