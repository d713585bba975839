"""The alarm of a gap: an alert on a part of the pipeline itself, which lives like any other alarm.

It is told again while the gap stays, and the alarm returns to normal when nothing more is told of it.
"""

from dataclasses import dataclass
from typing import Final

from models.scores import Score

CONDITION: Final = "gap"
"""The condition of such alarms; policies may have a table for it."""

TOPIC: Final = "counts"
"""What stands for the topic of an event where there is none."""


@dataclass(frozen=True)
class Missing:
    """What is missing of one stage now.

    Attributes
    ----------
    since
        The beginning of the oldest minute with a gap, milliseconds since the epoch.
    ids
        Names of some of what is missing.
    """

    stage: str
    count: int
    minutes: int
    since: int
    ids: tuple[str, ...]


def entity_of(stage: str) -> str:
    """Return the entity that stands for a stage."""
    return f"pipeline:{stage}"


def alert(missing: Missing, now: int, every_ms: int) -> Score:
    """Return the alert; within `every_ms` milliseconds it is the same alert, whoever tells it."""
    return Score(
        event_id=f"gap-{missing.stage}-{now // every_ms}",
        event_time=now,
        entity=entity_of(missing.stage),
        model=CONDITION,
        version="1",
        score=float(missing.count),
        threshold=1.0,
        features={"missing": float(missing.count), "minutes": float(missing.minutes)},
        event={
            "stage": missing.stage,
            "missing": missing.count,
            "since": missing.since,
            "ids": list(missing.ids),
            "more": missing.count - len(missing.ids),
        },
        arrivals={},
        topic=TOPIC,
        partition=0,
        offset=0,
        ingested_at=now,
    )
