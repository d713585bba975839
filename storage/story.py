"""One event's whole story: what the models said, whether that became an alarm, and what was done about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from models import orders
from models.scores import Score
from storage.alarms import AlarmRow
from storage.entities import CommandRow, EntityStore, alert_id
from storage.scores import ScoreStore


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one model said of the event, and what followed.

    Attributes
    ----------
    taken_at
        When an actor took its alert, milliseconds since the epoch; None while it has not, or without an alert.
    alarm
        The alarm that the alert opened or raised.
    commands
        The commands of that alarm, with their outcomes as statuses.
    """

    score: Score
    taken_at: int | None
    alarm: AlarmRow | None
    commands: tuple[CommandRow, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """An event, and each model's judgement of it, sorted by model.

    Attributes
    ----------
    event
        The fields of the event, by name.
    """

    event_id: str
    event_time: int
    event: dict[str, Any]
    judgements: tuple[Judgement, ...]


def story(event_id: str, scores: ScoreStore, entities: EntityStore) -> Story | None:
    """Return the story of an event, or None when no score of it is stored."""
    found = scores.by_event(event_id)
    if not found:
        return None
    judgements = tuple(_judgement(score, entities) for score in found)
    return Story(event_id, found[0].event_time, found[0].event, judgements)


def _judgement(score: Score, entities: EntityStore) -> Judgement:
    taken_at = entities.taken_at(score.entity, alert_id(score.event_id, score.model))
    if taken_at is None:
        return Judgement(score, None, None, ())
    alarm = alarm_of(score, taken_at, entities.alarms_of(score.entity))
    return Judgement(score, taken_at, alarm, _commands_of(alarm, score.entity, entities))


def alarm_of(score: Score, taken_at: int, alarms: Sequence[AlarmRow]) -> AlarmRow | None:
    """Return the alarm that an alert opened, else the one that stood when it was taken.

    Parameters
    ----------
    taken_at
        When the alert was taken, milliseconds since the epoch.
    alarms
        The alarms of the entity, newest first.
    """
    same = [alarm for alarm in alarms if alarm.condition == score.model]
    opened = (alarm for alarm in same if alarm.event_id == score.event_id)
    standing = (alarm for alarm in same if alarm.opened_at <= taken_at)
    return next(opened, None) or next(standing, None)


def _commands_of(alarm: AlarmRow | None, entity: str, entities: EntityStore) -> tuple[CommandRow, ...]:
    if alarm is None:
        return ()
    rows = entities.load(entity).commands
    return tuple(row for row in rows if orders.decode(row.body).command.alarm_id == alarm.alarm_id)
