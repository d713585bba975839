"""What the topics say, read once while everything runs: order of arrival, scores, alerts, commands, answers, dead letters."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec
import structlog

from ingest.errors import IngestError
from ingest.ports import Record
from ingest.settings import TopicName
from models import actions, dead_letters, events
from models.errors import RejectEventError
from models.events import Label, Transaction
from pipeline.drill.ledger import Ledger, Where
from pipeline.drill.recompute import Recomputation

READ: Final[tuple[TopicName, ...]] = (
    "transactions",
    "labels",
    "scores",
    "alerts",
    "alarms",
    "commands",
    "acks",
    "dead-letters",
)

BATCH: Final = 2_000
POLL_S: Final = 0.2

Poll = Callable[[int, float], Iterable[Record]]
"""Returns so many records at most, as many as come within so many seconds."""

log = structlog.get_logger(__name__)


class Said(msgspec.Struct, frozen=True):
    """What the oracle needs of a score."""

    event_id: str
    entity: str
    score: float
    threshold: float
    arrivals: dict[str, int]
    partition: int
    offset: int


class Issued(msgspec.Struct, frozen=True):
    """What the oracle needs of a command."""

    command_id: str
    kind: str
    entity: str
    alarm_id: str | None = None
    event_id: str | None = None


_said = msgspec.json.Decoder(Said)
_issued = msgspec.json.Decoder(Issued)


@dataclass
class Heard:
    """What was heard so far.

    Attributes
    ----------
    fresh
        Scores that nobody has compared yet.
    last
        The last score of each event.
    over
        Events of which any score reached the threshold.
    alerts
        Event id to entity.
    """

    fresh: list[Said] = field(default_factory=list)
    last: dict[str, float] = field(default_factory=dict)
    over: set[str] = field(default_factory=set)
    alerts: dict[str, str] = field(default_factory=dict)
    commands: list[Issued] = field(default_factory=list)
    answered: set[str] = field(default_factory=set)
    dead: set[Where] = field(default_factory=set)
    repeated: int = 0


class Tap:
    """Reads the topics from their beginning; use `listen` in a thread of its own.

    Parameters
    ----------
    prefix
        Of the topics' names in Kafka.
    as_arrived, once
        Take every event in the order of its topic; the second counts each event once.
    """

    def __init__(self, prefix: str, ledger: Ledger, as_arrived: Recomputation, once: Recomputation) -> None:
        self._prefix = prefix
        self._ledger = ledger
        self._recomputed = (as_arrived, once)
        self._times: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
        self._lock = threading.Lock()
        self._take: dict[str, Callable[[Record], None]] = {
            "transactions": self._event,
            "labels": self._event,
            "scores": self._score,
            "alerts": self._alert,
            "alarms": lambda _: None,
            "commands": self._command,
            "acks": self._ack,
            "dead-letters": self._dead_letter,
        }
        self.heard = Heard()
        self.gaps = 0

    def listen(self, poll: Poll, over: threading.Event) -> None:
        """Read until `over`; a Kafka that is away is waited for."""
        while not over.is_set():
            try:
                self.take(poll(BATCH, POLL_S))
            except IngestError as error:
                log.info("the tap waits for Kafka", reason=str(error))
                over.wait(POLL_S)

    def take(self, records: Iterable[Record]) -> None:
        """Take records in; those that come a second time are left out."""
        with self._lock:
            for record in records:
                times = self._times[record.topic, record.partition]
                if record.offset == len(times):
                    times.append(record.timestamp_ms)
                    self._take[record.topic.removeprefix(self._prefix)](record)
                elif record.offset > len(times):
                    self.gaps += 1

    def fresh(self) -> list[Said]:
        """Return the scores that came since the last call."""
        with self._lock:
            fresh, self.heard.fresh = self.heard.fresh, []
            return fresh

    def count(self, topic: TopicName) -> int:
        """Return how many records of a topic were taken in."""
        name = self._prefix + topic
        with self._lock:
            return sum(len(times) for where, times in self._times.items() if where[0] == name)

    def oldest_ms(self, topic: TopicName, committed: Mapping[tuple[str, int], int]) -> int | None:
        """Return the Kafka time of the oldest record that a group has not committed; None when it has all."""
        name = self._prefix + topic
        with self._lock:
            waiting = [
                times[committed.get(where, 0)]
                for where, times in self._times.items()
                if where[0] == name and committed.get(where, 0) < len(times)
            ]
        return min(waiting, default=None)

    def differences(self, said: Said) -> tuple[float, float]:
        """Return how far a score is off what was to be said: with every arrival counted, and each event once."""
        where = (said.partition, said.offset)
        seen = {"events": said.arrivals["terminal_events"], "labels": said.arrivals["terminal_labels"]}
        first, second = (r.difference(where, said.score, **seen) for r in self._recomputed)
        return first, second

    def _event(self, record: Record) -> None:
        try:
            event = events.decode(record.value)
        except RejectEventError:
            return
        for recomputed in self._recomputed:
            if isinstance(event, Transaction):
                recomputed.transaction((record.partition, record.offset), event)
            elif isinstance(event, Label):
                recomputed.label(event)

    def _score(self, record: Record) -> None:
        try:
            said = _said.decode(record.value)
        except msgspec.DecodeError:
            return
        self.heard.repeated += said.event_id in self.heard.last
        self.heard.last[said.event_id] = said.score
        self.heard.fresh.append(said)
        if said.score >= said.threshold:
            self.heard.over.add(said.event_id)
        self._ledger.score(said.event_id)

    def _alert(self, record: Record) -> None:
        try:
            said = _said.decode(record.value)
        except msgspec.DecodeError:
            return
        self.heard.alerts[said.event_id] = said.entity

    def _command(self, record: Record) -> None:
        try:
            self.heard.commands.append(_issued.decode(record.value))
        except msgspec.DecodeError:
            return

    def _ack(self, record: Record) -> None:
        try:
            self.heard.answered.add(actions.decode_ack(record.value).command_id)
        except RejectEventError:
            return

    def _dead_letter(self, record: Record) -> None:
        letter = dead_letters.decode(record.value)
        if letter.topic is not None and letter.partition is not None and letter.offset is not None:
            topic = letter.topic.removeprefix(self._prefix)
            self.heard.dead.add((topic, letter.partition, letter.offset))
