"""Verification: gather what every place says, and reconcile it stage by stage.

The stages are those of one event's way: accepted, scored, stored, taken by an alarm, commanded, acknowledged,
recorded. What has not settled yet (a running pipeline) shows as missing: verify after the lag is zero.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Final

from ingest.ports import Record
from ingest.settings import TopicName
from models.events import Event, Label, Transaction
from pipeline import evidence, reconcile
from pipeline.evidence import Acks, Commands, DeadLetters, Entities, Newest, Scores, Source
from pipeline.reconcile import Reconciliation, Stage
from storage.entities import EntityStore
from storage.scores import ScoreStore

SCORED: Final[Mapping[TopicName, type[Event]]] = {"transactions": Transaction}
"""Source topics whose events are scored."""

SOURCES: Final[Mapping[TopicName, type[Event]]] = {**SCORED, "labels": Label}
"""Source topics that the query reads."""

UNANSWERED: Final = frozenset({"queued", "sent"})

ReadAll = Callable[[TopicName], Iterator[Record]]
EventIds = Callable[[str, AbstractSet[int]], Mapping[int, str]]


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
    """

    read_all: ReadAll
    topic_name: Callable[[TopicName], str]
    scores: ScoreStore
    entities: EntityStore
    effects: Callable[[], Iterable[str]]
    dropped_late: Callable[[], int]
    watermark_delay_ms: int


def gather(places: Places) -> Evidence:
    """Read every place once, the source topics twice."""
    newest = _newest(places)
    return Evidence(
        sources=tuple(
            evidence.read_source(
                places.topic_name(topic), kind, places.read_all(topic), newest, places.watermark_delay_ms
            )
            for topic, kind in SOURCES.items()
        ),
        scores=evidence.read_scores(places.read_all("scores")),
        dead=evidence.read_dead_letters(places.read_all("dead-letters")),
        stored={f"{event}/{model}" for event, model in places.scores.ids()},
        alerts=evidence.read_scores(places.read_all("alerts")),
        entities=evidence.read_entities(places.entities),
        commands=evidence.read_commands(places.read_all("commands")),
        acks=evidence.read_acks(places.read_all("acks")),
        effects=tuple(places.effects()),
        dropped_late=places.dropped_late(),
    )


def _newest(places: Places) -> Newest:
    newest = Newest()
    for topic, kind in SOURCES.items():
        for record in places.read_all(topic):
            event = evidence.valid_event(record, kind)
            if event is not None:
                newest.see(record.timestamp_ms, event.event_time)
    return newest


def event_ids(places: Places, topic: str, wanted: AbstractSet[int]) -> dict[int, str]:
    """Return the ids of the events at these places of a source topic (its name in Kafka), reading it once more."""
    found: dict[int, str] = {}
    for name, kind in SOURCES.items():
        if places.topic_name(name) == topic and wanted:
            for record in places.read_all(name):
                where = evidence.place(record.partition, record.offset)
                event = evidence.valid_event(record, kind) if where in wanted else None
                if event is not None:
                    found[where] = event.event_id
    return found


def judge(found: Evidence, scored: Iterable[str], ids: EventIds) -> Reconciliation:
    """Reconcile what was gathered.

    Parameters
    ----------
    scored
        Names in Kafka of the source topics whose events are scored.
    ids
        Names the events at places of a topic; asked only for what has to be reported.
    """
    by_topic = {source.topic: source for source in found.sources}
    return Reconciliation(
        stages=(
            *(_accepted(by_topic[topic], found, ids) for topic in scored),
            *(_refused(source, found.dead, ids) for source in found.sources),
            _stored(found),
            _routed(found),
            _taken(found),
            _one_alarm(found),
            _one_command(found),
            _published(found),
            _carried_out(found),
            _one_answer(found),
            _recorded(found),
        ),
        information=_information(found),
    )


def _accepted(source: Source, found: Evidence, ids: EventIds) -> Stage:
    scored = found.scores.places.get(source.topic, set())
    dead = found.dead.places.get(source.topic, set())
    late = source.late - scored - dead if found.dropped_late else set[int]()
    stage = reconcile.partition(
        f"{source.topic}: accepted = scored + dead-lettered + late",
        source.places,
        {"scored": _still_there(scored, source), "dead": _still_there(dead, source)},
        explained=late,
        counts={
            "accepted": len(source.places),
            "scored": len(scored),
            "dead-lettered": len(dead),
            "late": len(late),
            "repeated events": source.repeats,
        },
    )
    return _with_places(stage, source.topic, ids)


def _refused(source: Source, dead: DeadLetters, ids: EventIds) -> Stage:
    refused = _still_there(dead.places.get(source.topic, set()), source)
    stage = reconcile.compare(
        f"{source.topic}: invalid = dead-lettered",
        source.invalid,
        refused,
        counts={"valid": len(source.places) - len(source.invalid), "invalid": len(source.invalid)},
    )
    return _with_places(stage, source.topic, ids)


def _still_there(places: set[int], source: Source) -> set[int]:
    """Leave out what retention has deleted from the source topic since."""
    floors = {partition: evidence.place(partition, offset) for partition, offset in source.first.items()}
    return {p for p in places if p >= floors.get(evidence.partition_of(p), 0)}


def _with_places(stage: Stage, topic: str, ids: EventIds) -> Stage:
    lists = (stage.missing, stage.phantoms, stage.repeated, stage.notes)
    known = ids(topic, {int(where) for places in lists for where in places})

    def named(places: Iterable[str]) -> tuple[str, ...]:
        return tuple(_place_and_event(topic, int(where), known) for where in places)

    return replace(
        stage,
        missing=named(stage.missing),
        phantoms=named(stage.phantoms),
        repeated=named(stage.repeated),
        notes=named(stage.notes),
    )


def _place_and_event(topic: str, where: int, known: Mapping[int, str]) -> str:
    event = f" ({known[where]})" if where in known else ""
    return evidence.place_name(topic, where) + event


def _stored(found: Evidence) -> Stage:
    return reconcile.compare(
        "scored = stored",
        found.scores.ids.keys(),
        found.stored,
        tolerate_phantoms=not found.scores.complete,
        counts={"duplicates": found.scores.duplicates},
    )


def _routed(found: Evidence) -> Stage:
    return reconcile.compare(
        "scores over the threshold = alerts",
        found.scores.alerts,
        found.alerts.ids.keys(),
        tolerate_phantoms=not found.scores.complete,
        counts={"duplicates": found.alerts.duplicates},
    )


def _taken(found: Evidence) -> Stage:
    return reconcile.compare(
        "alerts = taken by an alarm",
        found.alerts.ids.keys(),
        found.entities.taken,
        tolerate_phantoms=not found.alerts.complete,
    )


def _one_alarm(found: Evidence) -> Stage:
    return reconcile.at_most_one("one alarm per card and model", found.entities.alarms, what="alarms")


def _one_command(found: Evidence) -> Stage:
    pairs = [*found.commands.pairs, *set(found.entities.command_pairs) - set(found.commands.pairs)]
    return reconcile.at_most_one("one command per alarm", pairs, what="alarms with a command")


def _published(found: Evidence) -> Stage:
    waiting = {command for command, status in found.entities.commands.items() if status == "queued"}
    return reconcile.compare(
        "commands decided = published",
        found.entities.commands.keys() - waiting,
        found.commands.ids - waiting,
        counts={"queued": len(waiting)},
    )


def _carried_out(found: Evidence) -> Stage:
    return reconcile.once("each command carried out once", found.effects, what="effects")


def _one_answer(found: Evidence) -> Stage:
    return reconcile.at_most_one("one answer per command", found.acks.answers, what="answered commands")


def _recorded(found: Evidence) -> Stage:
    statuses = list(found.entities.commands.values())
    return reconcile.agreement(
        "commands acknowledged = recorded on the alarm",
        dict(found.acks.answers),
        found.entities.commands,
        under_way=UNANSWERED,
        counts={outcome: statuses.count(outcome) for outcome in ("succeeded", "refused", "expired")},
    )


def _information(found: Evidence) -> dict[str, int]:
    return {
        "refused at the door": found.dead.at_door.total(),
        "duplicate dead letters": found.dead.duplicates,
        "rows dropped by the watermark (Spark's count)": found.dropped_late,
        "malformed scores": found.scores.malformed,
        "malformed alerts": found.alerts.malformed,
        "malformed commands": found.commands.malformed,
        "malformed acknowledgements": found.acks.malformed,
        "malformed dead letters": found.dead.malformed,
    }
