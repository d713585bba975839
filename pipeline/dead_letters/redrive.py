"""Sending dead letters again through the door: each once, whoever repeats it and wherever it breaks off.

A letter is claimed in the store, sent, and noted as sent. A claim that was never settled (its process died
in between) is settled by looking for the event in its topic: it carries the letter's name as a header. Only
when it is not there it is sent again.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final, NamedTuple

from ingest.catalog import source_topic
from ingest.door import Door
from ingest.ports import Clock, Headers, OnAck, ProducerPort, Record
from ingest.settings import TopicName
from models.events import EVENT_TYPES, Event
from pipeline.dead_letters.trial import Trial
from pipeline.errors import ServerAwayError
from storage.redrives import Redrive, RedriveStore

HEADER: Final = "fastdata-dead-letter"
"""Name of the Kafka header that carries the letter's name."""

BATCH: Final = 200
"""How many letters are claimed, sent and settled at a time."""

HASTE_MS: Final = 60_000
"""How long after its claim a letter may still be sent, milliseconds."""


class Errand(NamedTuple):
    """Who sends letters again, and why; `fix` is what was changed, as JSON."""

    who: str
    why: str
    fix: str


@dataclass(frozen=True)
class Bench:
    """Where letters go.

    Attributes
    ----------
    read_since
        Reads a topic from a time (milliseconds since the epoch) to its present end.
    new_id
        Names a claim; never the same twice.
    delivery_ms
        How long the producer tries to deliver, milliseconds.
    """

    store: RedriveStore
    producer: ProducerPort
    read_since: Callable[[TopicName, int], Iterator[Record]]
    clock: Clock
    new_id: Callable[[], str]
    delivery_ms: int

    @property
    def lease_ms(self) -> int:
        """How long after a claim its event may still arrive, milliseconds."""
        return HASTE_MS + self.delivery_ms


@dataclass
class Report:
    """What became of the letters.

    Attributes
    ----------
    sent
        Sent now, by topic.
    already
        Sent before, now left alone.
    found
        Of these, letters whose sending had not been noted: they were found in their topic.
    under_way
        Claimed by somebody else a moment ago.
    refused
        Refused again, by reason; nothing was sent.
    """

    sent: Counter[str] = field(default_factory=Counter)
    already: int = 0
    found: int = 0
    under_way: int = 0
    refused: Counter[str] = field(default_factory=Counter)


_TYPES: Final = {event_type.topic: event_type for event_type in EVENT_TYPES.values()}


class _Task(NamedTuple):
    """A letter's redrive as it is wanted, the one that the store holds, and the event."""

    wanted: Redrive
    held: Redrive
    event: Event

    @property
    def is_mine(self) -> bool:
        return self.held.claim == self.wanted.claim


def redrive(bench: Bench, trials: Iterable[Trial], errand: Errand) -> Report:
    """Send what the door would take; return when all of it is acknowledged and noted.

    Raises
    ------
    ServerAwayError, RetryLaterError
        When it can't go on; the same call may be repeated and sends nothing twice.
    """
    report, coming = Report(), iter(trials)
    while batch := list(islice(coming, BATCH)):
        tasks = list(_claimed(bench, batch, errand, report))
        abandoned = [task for task in tasks if not task.is_mine]
        recovered = _recovered(bench, abandoned, report)
        _send(bench, [*(task for task in tasks if task.is_mine), *recovered], report)
    return report


def _claimed(bench: Bench, trials: Iterable[Trial], errand: Errand, report: Report) -> Iterator[_Task]:
    """Yield what this process has claimed, and what others have claimed and never settled."""
    for trial in trials:
        if trial.event is None:
            report.refused[trial.reason] += 1
            continue
        wanted = _wanted(bench, trial, trial.event, errand)
        held = bench.store.claim(wanted)
        if held.claim != wanted.claim and held.sent_at is not None:
            report.already += 1
        elif held.claim != wanted.claim and wanted.claimed_at - held.claimed_at <= bench.lease_ms:
            report.under_way += 1
        else:
            yield _Task(wanted, held, trial.event)


def _wanted(bench: Bench, trial: Trial, event: Event, errand: Errand) -> Redrive:
    letter = trial.letter.letter
    return Redrive(
        letter_id=trial.letter.letter_id,
        claim=bench.new_id(),
        who=errand.who,
        why=errand.why,
        reason=letter.reason,
        source=letter.source,
        position=letter.position,
        fix=errand.fix,
        event_id=event.event_id,
        topic=source_topic(type(event)),
        claimed_at=bench.clock(),
    )


def _recovered(bench: Bench, abandoned: Sequence[_Task], report: Report) -> list[_Task]:
    """Settle what was sent all the same, and return what was not and now is this process's."""
    there = _found(bench, abandoned)
    mine = []
    for task in abandoned:
        record = there.get(task.held.letter_id)
        if record is not None:
            bench.store.settle(_settled(task.held, record.timestamp_ms, record.partition, record.offset))
            report.already += 1
            report.found += 1
            continue
        taken = task._replace(held=bench.store.take_over(task.held, task.wanted))
        report.under_way += not taken.is_mine
        mine += [taken] if taken.is_mine else []
    return mine


def _found(bench: Bench, abandoned: Sequence[_Task]) -> Mapping[str, Record]:
    """Return the records that carry the names of these letters, reading each topic once."""
    found: dict[str, Record] = {}
    for name in {task.held.topic for task in abandoned}:
        topic = source_topic(_TYPES[name])
        since = min(task.held.claimed_at for task in abandoned if task.held.topic == name)
        for record in bench.read_since(topic, since):
            if (letter := letter_of(record)) is not None:
                found[letter] = record
    return found


def letter_of(record: Record) -> str | None:
    """Return the name of the dead letter that a record was made of, or None."""
    names = (value.decode(errors="replace") for name, value in record.headers if name == HEADER)
    return next(names, None)


def _send(bench: Bench, tasks: Sequence[_Task], report: Report) -> None:
    places: dict[str, tuple[int, int]] = {}
    for task in tasks:
        if bench.clock() - task.held.claimed_at > HASTE_MS:
            raise ServerAwayError("the servers are too slow to send letters safely: try the same again later")
        tagged = _Tagged(bench.producer, task.held.letter_id, places)
        if Door(tagged, bench.clock).event(task.event, task.held.source, 0):
            report.sent[task.held.topic] += 1
    bench.producer.flush()
    for task in tasks:
        if (place := places.get(task.held.letter_id)) is not None:
            bench.store.settle(_settled(task.held, bench.clock(), *place))


def _settled(held: Redrive, sent_at: int, partition: int, offset: int) -> Redrive:
    return replace(held, sent_at=sent_at, partition=partition, offset=offset)


class _Tagged:
    """A producer that puts a letter's name on what it sends, and notes where that lies once it is acknowledged."""

    def __init__(self, producer: ProducerPort, letter_id: str, places: dict[str, tuple[int, int]]) -> None:
        self._producer = producer
        self._letter_id = letter_id
        self._places = places

    def send(
        self,
        topic: TopicName,
        key: bytes | str,
        value: bytes,
        *,
        headers: Headers | None = None,
        timestamp_ms: int | None = None,
        on_ack: OnAck | None = None,
    ) -> None:
        """Hand over one record."""
        tag = (HEADER, self._letter_id.encode())

        def acknowledged(partition: int, offset: int) -> None:
            self._places[self._letter_id] = (partition, offset)
            if on_ack is not None:
                on_ack(partition, offset)

        self._producer.send(
            topic, key, value, headers=[*(headers or ()), tag], timestamp_ms=timestamp_ms, on_ack=acknowledged
        )

    def flush(self) -> None:
        """Wait until every record is acknowledged."""
        self._producer.flush()

    def settle(self, done: Callable[[], bool]) -> None:
        """Wait until acknowledgements have brought about `done`."""
        self._producer.settle(done)
