"""Verification: gather what every place says of an event's way, from the source topics to the gateway's ledger.

`judgement` reconciles it stage by stage.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from ingest.catalog import source_topic
from ingest.ports import Record
from ingest.settings import TopicName
from models.events import EVENT_TYPES, Event, read_for, tag_of
from pipeline import evidence, sources
from pipeline.evidence import Acks, Commands, DeadLetters, Entities, Labels, Operations, Scores
from pipeline.sources import Newest, Source
from storage.entities import EntityStore
from storage.scores import ScoreStore

ReadAll = Callable[[TopicName], Iterator[Record]]


@dataclass(frozen=True)
class Scored:
    """What one deployed model scores.

    Attributes
    ----------
    only
        The fields and values of the events that it sees.
    """

    model: str
    event: type[Event]
    only: Mapping[str, str]


@dataclass(frozen=True)
class Evidence:
    """Everything that was gathered.

    Attributes
    ----------
    stored
        Alert ids of the rows in the score store.
    effects
        Command ids in the gateway's ledger, one per effect.
    dropped_late
        Rows that the query reported as dropped behind the watermark.
    """

    sources: tuple[Source, ...]
    scores: Scores
    dead: DeadLetters
    stored: set[str]
    alerts: Scores
    entities: Entities
    commands: Commands
    acks: Acks
    operations: Operations
    labels: Labels
    effects: tuple[str, ...]
    dropped_late: int


@dataclass(frozen=True)
class Places:
    """Where evidence is gathered from.

    Attributes
    ----------
    read_all
        Reads a topic from its beginning to its present end.
    topic_name
        A topic's name in Kafka.
    watermark_delay_ms
        How late an event may be, milliseconds.
    models
        What is deployed.
    """

    read_all: ReadAll
    topic_name: Callable[[TopicName], str]
    scores: ScoreStore
    entities: EntityStore
    effects: Callable[[], Iterable[str]]
    dropped_late: Callable[[], int]
    watermark_delay_ms: int
    models: tuple[Scored, ...]

    @property
    def kinds(self) -> dict[type[Event], type[Event]]:
        """Each event type that a query reads, and the scored one that it belongs to."""
        scored = dict.fromkeys(model.event for model in self.models)
        return {EVENT_TYPES[tag]: event for event in scored for tag in read_for(tag_of(event))}


def gather(places: Places) -> Evidence:
    """Read every place once, the source topics twice."""
    newest, entities = _newest(places), evidence.read_entities(places.entities)
    return Evidence(
        sources=tuple(
            sources.read_source(
                places.topic_name(source_topic(kind)),
                kind,
                places.read_all(source_topic(kind)),
                newest[event],
                places.watermark_delay_ms,
                models={m.model: m.only for m in places.models if m.event is kind},
            )
            for kind, event in places.kinds.items()
        ),
        scores=evidence.read_scores(places.read_all("scores")),
        dead=evidence.read_dead_letters(places.read_all("dead-letters")),
        stored={f"{event}/{model}" for event, model in places.scores.ids()},
        alerts=evidence.read_scores(places.read_all("alerts")),
        entities=entities,
        commands=evidence.read_commands(places.read_all("commands")),
        acks=evidence.read_acks(places.read_all("acks")),
        operations=evidence.read_operations(places.read_all("operations")),
        labels=evidence.read_labels(places.read_all("labels"), entities.outcomes),
        effects=tuple(places.effects()),
        dropped_late=places.dropped_late(),
    )


def _newest(places: Places) -> dict[type[Event], Newest]:
    """Return the newest event time that each query had seen: an event and its labels share a watermark."""
    newest = {event: Newest() for event in places.kinds.values()}
    for kind, scored in places.kinds.items():
        for record in places.read_all(source_topic(kind)):
            event = sources.valid_event(record, kind)
            if event is not None:
                newest[scored].see(record.timestamp_ms, event.event_time)
    return newest


def event_ids(places: Places, topic: str, wanted: AbstractSet[int]) -> dict[int, str]:
    """Return the ids of the events at these places of a source topic (its name in Kafka), reading it once more."""
    found: dict[int, str] = {}
    for kind in places.kinds:
        name = source_topic(kind)
        if places.topic_name(name) == topic and wanted:
            for record in places.read_all(name):
                where = sources.place(record.partition, record.offset)
                event = sources.valid_event(record, kind) if where in wanted else None
                if event is not None:
                    found[where] = event.event_id
    return found
