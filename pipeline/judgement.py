"""Judgement of the evidence: the stages of one event's way, each an equation that has to hold.

What has not settled yet (a running pipeline) shows as missing: judge after the lag is zero.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Final, get_args

from models.actions import CommandStatus, Outcome
from models.orders import Order
from pipeline import reconcile, sources
from pipeline.evidence import DeadLetters, purpose
from pipeline.reconcile import Reconciliation, Stage
from pipeline.sources import Source
from pipeline.verify import Evidence

UNANSWERED: Final = "unanswered"

EventIds = Callable[[str, AbstractSet[int]], Mapping[int, str]]


def judge(found: Evidence, scored: Mapping[str, str], ids: EventIds) -> Reconciliation:
    """Reconcile what was gathered.

    Parameters
    ----------
    scored
        Each deployed model, and the name in Kafka of the topic whose events it scores.
    ids
        Names the events at places of a topic; asked only for what has to be reported.
    """
    by_topic = {source.topic: source for source in found.sources}
    return Reconciliation(
        stages=(
            *(_accepted(model, by_topic[topic], found, ids) for model, topic in scored.items()),
            *(_refused(source, found.dead, ids) for source in found.sources),
            _stored(found),
            _routed(found),
            _one_version(found),
            _taken(found),
            _one_alarm(found),
            _one_command(found),
            _published(found),
            _carried_out(found),
            _one_answer(found),
            _recorded(found),
            _audited(found),
            _labelled(found),
        ),
        information=_information(found),
    )


def _accepted(model: str, source: Source, found: Evidence, ids: EventIds) -> Stage:
    given = source.places - source.unseen.get(model, set())
    scored = found.scores.places.get((model, source.topic), set())
    dead = found.dead.places.get(source.topic, set())
    late = source.late - scored - dead if found.dropped_late else set[int]()
    stage = reconcile.partition(
        f"{source.topic} for {model}: accepted = scored + dead-lettered + late",
        given,
        {"scored": _still_there(scored, source), "dead": _still_there(dead, source)},
        explained=late,
        counts={
            "accepted": len(given),
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
    floors = {partition: sources.place(partition, offset) for partition, offset in source.first.items()}
    return {p for p in places if p >= floors.get(sources.partition_of(p), 0)}


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
    return sources.place_name(topic, where) + event


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


def _one_version(found: Evidence) -> Stage:
    scored, alerted = found.scores, found.alerts
    differing = {i for i, version in alerted.ids.items() if scored.ids.get(i, version) != version}
    return Stage(
        "each event acted on by one version",
        given=len(scored.ids),
        found=len(scored.ids),
        counts=dict(sorted(Counter(scored.ids.values()).items())),
        repeated=reconcile.names(scored.several | alerted.several | differing),
    )


def _taken(found: Evidence) -> Stage:
    return reconcile.compare(
        "alerts = taken by an alarm",
        found.alerts.ids.keys(),
        found.entities.taken,
        tolerate_phantoms=not found.alerts.complete,
    )


def _one_alarm(found: Evidence) -> Stage:
    stage = reconcile.at_most_one(
        "one open alarm per entity and condition", found.entities.alarms, what="open alarms"
    )
    return replace(stage, counts={**stage.counts, "closed alarms": found.entities.closed})


def _one_command(found: Evidence) -> Stage:
    published = set(found.commands.pairs)
    decided = {(purpose(order.command), name) for name, order in found.entities.orders.items()}
    pairs = [*found.commands.pairs, *decided - published]
    return reconcile.at_most_one("one command per alarm and kind", pairs, what="purposes")


def _published(found: Evidence) -> Stage:
    orders = found.entities.orders
    kept_back = {name for name, order in orders.items() if order.released_at is None}
    waiting = {name for name, order in orders.items() if not order.sends} - kept_back
    return reconcile.compare(
        "commands released = published",
        orders.keys() - kept_back - waiting,
        found.commands.ids - waiting,
        counts={"queued": len(waiting), "kept back": len(kept_back)},
    )


def _carried_out(found: Evidence) -> Stage:
    return reconcile.once("each command carried out once", found.effects, what="effects")


def _one_answer(found: Evidence) -> Stage:
    words = last_words(found.acks.answers)
    stage = reconcile.at_most_one("one answer per command", words, what="answered commands")
    return replace(stage, counts={**stage.counts, "answered late": len(found.acks.answers) - len(words)})


def last_words(answers: Sequence[tuple[str, Outcome]]) -> list[tuple[str, Outcome]]:
    """Leave out each `expired` that a device has put right: it had carried the command out, and said so late."""
    said: dict[str, list[Outcome]] = {}
    for command_id, outcome in answers:
        if outcome not in said.setdefault(command_id, []):
            said[command_id].append(outcome)
    late = {command_id for command_id, outcomes in said.items() if outcomes == ["expired", "succeeded"]}
    return [pair for pair in answers if pair[0] not in late or pair[1] != "expired"]


def _recorded(found: Evidence) -> Stage:
    orders = found.entities.orders
    statuses = Counter(order.status for order in orders.values())
    said = dict(last_words(found.acks.answers))
    return reconcile.agreement(
        "commands acknowledged = recorded",
        said,
        {name: _recorded_as(order, said.get(name)) for name, order in orders.items()},
        under_way=frozenset({UNANSWERED}),
        counts={status: statuses[status] for status in get_args(CommandStatus) if statuses[status]},
    )


def _recorded_as(order: Order, said: Outcome | None) -> str:
    """Return what an actor has recorded of an answer; one that it gave up no longer hears that nothing was done."""
    if order.answered_at is not None:
        return order.status
    given_up = order.is_ended and said not in {None, "succeeded"}
    return said if given_up and said is not None else UNANSWERED


def _audited(found: Evidence) -> Stage:
    verdicts = list(found.entities.audit.values())
    return reconcile.compare(
        "operations taken = audited",
        found.operations.ids | found.entities.operations,
        found.entities.audit.keys(),
        tolerate_phantoms=not found.operations.complete,
        counts={
            "applied": verdicts.count("applied"),
            "refused": verdicts.count("refused"),
            "duplicates": found.operations.duplicates,
        },
    )


def _labelled(found: Evidence) -> Stage:
    outcomes, told = found.entities.outcomes, found.labels
    return reconcile.compare(
        "outcomes of cases = labels",
        outcomes if told.complete else outcomes & told.ids,
        told.ids,
        counts={"duplicates": told.duplicates},
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
        "malformed operations": found.operations.malformed,
        "malformed dead letters": found.dead.malformed,
    }
