"""What the topics still hold: the events of a span in the order of their arrival, and what came of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TypeVar

from ingest.catalog import source_topic
from ingest.ports import Record
from ingest.settings import TopicName
from models import actions, alarms, scores
from models.actions import Command
from models.alarms import AlarmChange
from models.errors import RejectEventError
from models.events import EVENT_TYPES, Event, read_for
from models.scores import Score
from pipeline.sources import valid_event

ReadAll = Callable[[TopicName], Iterator[Record]]
M = TypeVar("M")


@dataclass(frozen=True)
class Happened:
    """What came of the events of a span.

    Attributes
    ----------
    scores
        The last score of each event, by event id.
    alarms
        The alarms that these events opened, by alarm id.
    commands
        The commands that they led to, by command id.
    """

    scores: Mapping[str, Score]
    alarms: Mapping[str, AlarmChange]
    commands: Mapping[str, Command]


def events_of(read_all: ReadAll, tag: str, start_ms: int, end_ms: int) -> Iterator[Event]:
    """Yield the valid events of a type and the labels about them, with start <= event time < end, as they arrived."""
    found = [arrived for each in read_for(tag) for arrived in _arrivals(read_all, each, start_ms, end_ms)]
    return (event for _, event in sorted(found, key=lambda arrived: arrived[0]))


def happened(read_all: ReadAll, model: str, start_ms: int, end_ms: int, ids: AbstractSet[str]) -> Happened:
    """Return what a model's scores, alarms and commands were.

    Parameters
    ----------
    ids
        Of the events of the span, beside those that have scores.
    """
    known = {
        score.event_id: score
        for score in _readable(read_all("scores"), scores.decode)
        if score.model == model and start_ms <= score.event_time < end_ms
    }
    of_span = ids | known.keys()
    opened = {
        change.alarm_id: change
        for change in _readable(read_all("alarms"), alarms.decode_change)
        if change.condition == model and change.event_id in of_span
    }
    sent = {
        command.command_id: command
        for command in _readable(read_all("commands"), actions.decode_command)
        if command.condition == model and command.event_id in of_span
    }
    return Happened(known, opened, sent)


def _arrivals(
    read_all: ReadAll, tag: str, start_ms: int, end_ms: int
) -> Iterator[tuple[tuple[int, str, int, int], Event]]:
    event_type = EVENT_TYPES[tag]
    for record in read_all(source_topic(event_type)):
        event = valid_event(record, event_type)
        if event is not None and start_ms <= event.event_time < end_ms:
            yield (record.timestamp_ms, tag, record.partition, record.offset), event


def _readable(records: Iterable[Record], decode: Callable[[bytes], M]) -> Iterator[M]:
    for record in records:
        try:
            yield decode(record.value)
        except RejectEventError:
            continue
