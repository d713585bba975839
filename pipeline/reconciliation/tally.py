"""The tally: what every record of the followed topics says, kept as slices, marks and samples until its minute is closed.

It is a function of what was read: records that come again change nothing.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import msgspec

from ingest.ports import Clock, Record
from models import events
from models.errors import RejectEventError
from models.events import FUTURE_TOLERANCE_MS, Event
from models.plan import is_seen
from pipeline.reconciliation.gaps import Lane, SourceGap
from pipeline.reconciliation.marks import ABSENT, DEAD, LATE, OVER, ROUTED, SCORED, UNSEEN, Marks
from pipeline.reconciliation.samples import Sample
from pipeline.reconciliation.slices import Log, Slice
from storage.entities import alert_id

Where: TypeAlias = tuple[str, int]
Thing: TypeAlias = tuple[str | int, ...]
_T = TypeVar("_T")


@dataclass(frozen=True)
class Counted:
    """A model whose scores are counted.

    Attributes
    ----------
    topic
        The name in Kafka of the topic whose events it scores.
    only
        The fields and values of the events that it sees.
    """

    name: str
    topic: str
    only: Mapping[str, str]


@dataclass(frozen=True)
class Topics:
    """The names in Kafka of what is followed."""

    sources: tuple[str, ...]
    scores: str
    alerts: str
    dead_letters: str
    commands: str
    acks: str

    @property
    def all(self) -> tuple[str, ...]:
        """Every name."""
        return (*self.sources, self.scores, self.alerts, self.dead_letters, self.commands, self.acks)


class _Event(msgspec.Struct):
    event_time: int


class _Score(msgspec.Struct):
    event_id: str
    event_time: int
    entity: str
    model: str
    score: float
    threshold: float
    topic: str
    partition: int
    offset: int
    below: bool = False


class _Letter(msgspec.Struct):
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None


class _Command(msgspec.Struct):
    command_id: str


_event = msgspec.json.Decoder(_Event)
_score = msgspec.json.Decoder(_Score)
_letter = msgspec.json.Decoder(_Letter)
_command = msgspec.json.Decoder(_Command)


class Tally:
    """What is known of the minutes that are not closed, and of those with gaps.

    Parameters
    ----------
    delay_ms
        How late an event may be, milliseconds.
    most
        Most ids of a minute that are sampled of one partition.

    Attributes
    ----------
    logs
        Each partition that is followed.
    newest
        The newest event time of each source topic, milliseconds since the epoch.
    refused
        Places of output records that are dead letters.
    waiting
        Models that count from the first minute after their first score on, because they were deployed meanwhile.
    """

    def __init__(self, topics: Topics, delay_ms: int, most: int, clock: Clock) -> None:
        self.topics = topics
        self._delay_ms = delay_ms
        self._most = most
        self._clock = clock
        self.logs: dict[Where, Log] = {}
        self.newest: dict[str, int] = {}
        self.refused: set[tuple[str, int, int]] = set()
        self.waiting: set[str] = set()
        self._models: dict[str, Counted] = {}
        self._lanes: dict[Lane, Marks] = {}
        self._samples: dict[tuple[Where, int], Sample[Thing]] = {}
        self.gaps: defaultdict[Lane, list[SourceGap]] = defaultdict(list)
        self._take: dict[str, Callable[[Record, int], None]] = {
            **dict.fromkeys(topics.sources, self._source),
            topics.scores: self._scored,
            topics.alerts: self._alerted,
            topics.dead_letters: self._refused,
            topics.commands: self._commanded,
            topics.acks: self._answered,
        }

    def follow(self, where: Where, log: Log, newest: int = 0) -> None:
        """Begin with a partition, before anything of it is taken."""
        self.logs[where] = log
        if where[0] in self.topics.sources:
            self.newest[where[0]] = max(newest, self.newest.get(where[0], 0))

    def use(self, models: Iterable[Counted], *, known: Callable[[str], bool]) -> None:
        """Count these models from now on, and no others.

        Parameters
        ----------
        known
            Whether a model was counted before, so that it counts from the start.
        """
        wanted = {model.name: model for model in models}
        for name in self._models.keys() - wanted.keys():
            self._lanes = {lane: marks for lane, marks in self._lanes.items() if lane.model != name}
        fresh = wanted.keys() - self._models.keys()
        self.waiting = (self.waiting & wanted.keys()) | {name for name in fresh if not known(name)}
        self._models = wanted
        for name in fresh:
            for topic, partition in self.logs:
                if topic == wanted[name].topic:
                    base = self.logs[topic, partition].counted
                    self._lanes[Lane(topic, partition, name)] = Marks(base=base, since=base)

    def take(self, records: Sequence[Record]) -> None:
        """Take records, those of one partition in their order."""
        now = self._clock()
        for record in records:
            self._take[record.topic](record, now)

    def lanes_of(self, where: Where) -> list[tuple[Lane, Marks]]:
        """Return the lanes of a partition whose model counts."""
        return [
            (lane, marks)
            for lane, marks in self._lanes.items()
            if (lane.topic, lane.partition) == where and lane.model not in self.waiting
        ]

    def sample(self, where: Where, minute: int) -> Sample[Thing]:
        """Return the sampled ids of one minute of an output partition."""
        return self._samples.get((where, minute)) or Sample(self._most)

    def closed(self, where: Where) -> Slice:
        """Let go of the oldest minute of a partition."""
        closed = self.logs[where].close()
        self._samples.pop((where, closed.minute), None)
        for lane, marks in self._lanes.items():
            if (lane.topic, lane.partition) == where:
                marks.forget(closed.end)
        self.refused = {each for each in self.refused if each[:2] != where or each[2] >= closed.end}
        return closed

    def _source(self, record: Record, now: int) -> None:
        where = (record.topic, record.partition)
        log = self.logs[where]
        expected = log.read
        if log.take(record.offset, record.timestamp_ms, now) is None:
            return
        if record.offset > expected:
            self._mark_all(where, range(max(expected, log.open[0].first), record.offset), ABSENT)
        selective = [m for m in self._models.values() if m.only and m.topic == record.topic]
        time = self._seen_by(selective, record) if selective else _time_of(record)
        if time is None or time > record.timestamp_ms + FUTURE_TOLERANCE_MS:
            return
        if time < self.newest[record.topic] - self._delay_ms:
            self._mark_all(where, (record.offset,), LATE)
        self.newest[record.topic] = max(self.newest[record.topic], time)

    def _seen_by(self, selective: Sequence[Counted], record: Record) -> int | None:
        """Mark a record for those who do not see it; return its event time."""
        try:
            event: Event = events.decode(record.value)
        except RejectEventError:
            return None
        for model in selective:
            if not is_seen(model.only, event):
                self._lanes[Lane(record.topic, record.partition, model.name)].set(record.offset, UNSEEN)
        return event.event_time

    def _mark_all(self, where: Where, offsets: Iterable[int], mark: int) -> None:
        lanes = [lane for lane in self._lanes if (lane.topic, lane.partition) == where]
        for offset in offsets:
            for lane in lanes:
                self._mark(lane, offset, mark)

    def _mark(self, lane: Lane, offset: int, mark: int) -> None:
        marks = self._lanes.get(lane)
        if marks is None or not marks.set(offset, mark):
            any(gap.set(offset, mark) for gap in self.gaps.get(lane, ()))

    def _scored(self, record: Record, now: int) -> None:
        score = _read(_score, record)
        part = self.logs[record.topic, record.partition].take(record.offset, record.timestamp_ms, now)
        if score is None:
            return
        over = score.score <= score.threshold if score.below else score.score >= score.threshold
        self._mark(
            Lane(score.topic, score.partition, score.model), score.offset, SCORED | OVER if over else SCORED
        )
        if score.model in self.waiting:
            self._begin(score.model)
        if part is not None:
            thing = (score.entity, score.event_time, score.event_id, score.model, record.offset)
            self._sampled(record, part, alert_id(score.event_id, score.model), thing)

    def _begin(self, model: str) -> None:
        """Count a model that was deployed meanwhile from the next minutes on."""
        self.waiting.discard(model)
        for lane, marks in self._lanes.items():
            if lane.model == model:
                marks.since = self.logs[lane.topic, lane.partition].read

    def _alerted(self, record: Record, now: int) -> None:
        alert = _read(_score, record)
        part = self.logs[record.topic, record.partition].take(record.offset, record.timestamp_ms, now)
        if alert is None:
            return
        self._mark(Lane(alert.topic, alert.partition, alert.model), alert.offset, ROUTED)
        if part is not None:
            self._sampled(record, part, alert_id(alert.event_id, alert.model), (alert.entity, record.offset))

    def _refused(self, record: Record, now: int) -> None:
        letter = _read(_letter, record)
        self.logs[record.topic, record.partition].take(record.offset, record.timestamp_ms, now)
        if letter is None or letter.topic is None or letter.partition is None or letter.offset is None:
            return
        if letter.topic in self.topics.sources:
            self._mark_all((letter.topic, letter.partition), (letter.offset,), DEAD)
            for lane, gaps in self.gaps.items():
                if (lane.topic, lane.partition) == (letter.topic, letter.partition):
                    any(gap.set(letter.offset, DEAD) for gap in gaps)
        elif letter.topic in self.topics.all:
            self.refused.add((letter.topic, letter.partition, letter.offset))

    def _commanded(self, record: Record, now: int) -> None:
        command = _read(_command, record)
        part = self.logs[record.topic, record.partition].take(record.offset, record.timestamp_ms, now)
        if part is not None and command is not None:
            self._sampled(record, part, command.command_id, (record.offset,))

    def _answered(self, record: Record, now: int) -> None:
        self.logs[record.topic, record.partition].take(record.offset, record.timestamp_ms, now)

    def _sampled(self, record: Record, part: Slice, name: str, thing: Thing) -> None:
        where = (record.topic, record.partition)
        sample = self._samples.get((where, part.minute))
        if sample is None:
            sample = self._samples[where, part.minute] = Sample(self._most)
        sample.add(name, thing)


def _time_of(record: Record) -> int | None:
    event = _read(_event, record)
    return None if event is None else event.event_time


def _read(decoder: "msgspec.json.Decoder[_T]", record: Record) -> _T | None:
    try:
        return decoder.decode(record.value)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
