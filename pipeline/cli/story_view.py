"""The text of `story`."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import msgspec

from models import orders
from models.machines import Machine, Measured
from storage.alarms import AlarmRow
from storage.entities import CommandRow
from storage.story import Judgement, Story


def as_json(story: Story) -> str:
    """Return the story as JSON."""
    told = {
        "event_id": story.event_id,
        "event_time": story.event_time,
        "event": story.event,
        "judgements": [
            {
                "score": msgspec.to_builtins(judgement.score),
                "taken_at": judgement.taken_at,
                "alarm": asdict(judgement.alarm) if judgement.alarm else None,
                "commands": [
                    {"status": row.status, **msgspec.to_builtins(orders.decode(row.body).command)}
                    for row in judgement.commands
                ],
            }
            for judgement in story.judgements
        ],
    }
    return json.dumps(told, indent=2)


def lines(story: Story, machine: Machine | None = None) -> Iterator[str]:
    """Return the story as text, in the order in which things happened.

    Parameters
    ----------
    machine
        Whose reading it is, from the register: measurements are shown with their units, and are marked when
        they are out of range.
    """
    fields = ", ".join(_fields(story.event, machine))
    yield f"{_at(story.event_time)}  event {story.event_id}: {fields}"
    for judgement in story.judgements:
        yield from _judged(judgement)


def _fields(event: Mapping[str, Any], machine: Machine | None) -> Iterator[str]:
    for name, value in event.items():
        if name != "measurements":
            yield f"{name} {value}"
            continue
        known = machine.measurements if machine else {}
        yield from (_measured(each, number, known.get(each)) for each, number in value.items())


def _measured(name: str, value: float | None, known: Measured | None) -> str:
    if value is None:
        return f"{name} missing"
    if known is None:
        return f"{name} {value}"
    outside = "" if known.low <= value <= known.high else f" (outside {known.low:g} to {known.high:g})"
    return f"{name} {value} {known.unit}{outside}"


def _judged(judgement: Judgement) -> Iterator[str]:
    score = judgement.score
    verdict = "an alert" if score.is_alert else "no alert"
    yield (
        f"{_at(score.ingested_at)}  entered at {score.topic}/{score.partition}/{score.offset}; "
        f"model {score.model} {score.version}: score {score.score:.4f}, threshold {score.threshold:.4f}, {verdict}"
    )
    yield f"{' ' * 25}features: {', '.join(f'{n} {v}' for n, v in score.features.items())}"
    if score.outputs:
        yield f"{' ' * 25}says: {', '.join(f'{name} {value}' for name, value in score.outputs.items())}"
    if score.reasons:
        yield f"{' ' * 25}pushed by: {', '.join(f'{r.feature} {r.contribution:+.3f}' for r in score.reasons)}"
    for shadow in score.shadows:
        yield f"{' ' * 25}shadow {shadow.version}: score {shadow.score:.4f}, threshold {shadow.threshold:.4f}"
    if score.is_alert and judgement.taken_at is None:
        yield f"{' ' * 25}no actor has taken the alert yet"
    if judgement.taken_at is not None:
        yield f"{_at(judgement.taken_at)}  alert taken {_by(judgement.alarm)}"
    for row in judgement.commands:
        yield _command(row)


def _by(alarm: AlarmRow | None) -> str:
    if alarm is None:
        return "(its alarm is no longer listed)"
    return f"by {alarm.alarm_id} on {alarm.entity}: {alarm.state}, {alarm.alerts} alerts, opened {_at(alarm.opened_at)}"


def _command(row: CommandRow) -> str:
    command = orders.decode(row.body).command
    return f"{_at(command.issued_at)}  command {command.command_id}: {command.kind} {command.entity}: {row.status}"


def _at(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3] + "Z "
