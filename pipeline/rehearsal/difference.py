"""Then and now: how scores, alerts, alarms and commands differ."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from typing import Final

import numpy as np

from models.actions import Command
from models.scores import Score

QUANTILES: Final = {"min": 0.0, "p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}


@dataclass(frozen=True)
class Moved:
    """An event whose score differs."""

    event_id: str
    entity: str
    then: float
    now: float


@dataclass(frozen=True)
class Scores:
    """Scores then and now.

    Attributes
    ----------
    events
        How many have a score now, and how many of them had one then.
    versions
        Scores then by the version that acted.
    then, now
        Quantiles of the events that have both.
    mean_difference
        Of the absolute differences.
    largest
        The events that moved most.
    """

    events: int
    compared: int
    versions: Mapping[str, int]
    then: Mapping[str, float]
    now: Mapping[str, float]
    mean_difference: float
    largest: tuple[Moved, ...]


@dataclass(frozen=True)
class Sets:
    """Two sets of identities, each sorted."""

    both: tuple[str, ...]
    only_then: tuple[str, ...]
    only_now: tuple[str, ...]


def of_scores(then: Mapping[str, Score], now: Sequence[Score], top: int) -> Scores:
    """Compare scores event by event."""
    pairs = [(then[score.event_id], score) for score in now if score.event_id in then]
    before = np.array([old.score for old, _ in pairs], dtype=np.float64)
    after = np.array([new.score for _, new in pairs], dtype=np.float64)
    moved = (
        Moved(new.event_id, new.entity, old.score, new.score) for old, new in pairs if old.score != new.score
    )
    return Scores(
        events=len(now),
        compared=len(pairs),
        versions=dict(Counter(old.version for old, _ in pairs)),
        then=_quantiles(before),
        now=_quantiles(after),
        mean_difference=float(np.abs(after - before).mean()) if pairs else 0.0,
        largest=tuple(nlargest(top, moved, key=lambda each: abs(each.now - each.then))),
    )


def of_alerts(then: Mapping[str, Score], now: Sequence[Score]) -> Sets:
    """Compare which events are alerts."""
    return of_sets(
        {event_id for event_id, score in then.items() if score.is_alert},
        {score.event_id for score in now if score.is_alert},
    )


def of_sets(then: set[str], now: set[str]) -> Sets:
    """Compare two sets."""
    return Sets(tuple(sorted(then & now)), tuple(sorted(then - now)), tuple(sorted(now - then)))


def by_kind(commands: Sequence[Command]) -> dict[str, int]:
    """Count commands by their kind."""
    return dict(Counter(command.kind for command in commands))


def _quantiles(values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> dict[str, float]:
    if not len(values):
        return {}
    found = np.quantile(values, list(QUANTILES.values()))
    return dict(zip(QUANTILES, map(float, found), strict=True))
