"""A rehearsal's outcome, put together from scores and the actors' dry runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from actors.dry_run import DryRun
from models.scores import Score
from pipeline.rehearsal import difference
from pipeline.rehearsal.difference import Scores, Sets
from pipeline.rehearsal.records import Happened

Act = Callable[[Sequence[Score]], DryRun]
"""Lets alerts act on nobody."""


@dataclass(frozen=True)
class Seen:
    """From when on events are wanted for whole features, and the first that there is; milliseconds since the epoch."""

    wanted_from: int
    first: int


@dataclass(frozen=True)
class Effects:
    """Alarms opened, or commands sent.

    Attributes
    ----------
    happened
        How many there were.
    again
        How many today's policies would have made of the alerts of then, with nobody acknowledging anything.
    now
        How many they would make of the alerts of now.
    against_happened, against_again
        Identities that are new or gone, against both.
    """

    happened: int
    again: int
    now: int
    against_happened: Sets
    against_again: Sets


@dataclass(frozen=True)
class Rehearsal:
    """What a version of a model would have done.

    Attributes
    ----------
    model, version
        What was rehearsed.
    threshold
        Its own.
    seen
        How far back the features look, and the events go.
    commands_by_kind
        Commands that would be sent, by kind.
    held
        Commands that would wait for people, limits or hours.
    """

    model: str
    version: str
    threshold: float
    seen: Seen
    scores: Scores
    alerts: Sets
    alarms: Effects
    commands: Effects
    commands_by_kind: dict[str, int]
    held: int


def rehearsal(
    name: tuple[str, str, float], then: Happened, now: Sequence[Score], act: Act, *, seen: Seen, top: int
) -> Rehearsal:
    """Compare.

    Parameters
    ----------
    name
        Model, version and threshold.
    now
        The scores of the version, in order of event time.
    top
        How many of the events that moved most are named.
    """
    old = sorted(then.scores.values(), key=lambda score: (score.event_time, score.offset))
    again, run = (
        act([score for score in old if score.is_alert]),
        act([score for score in now if score.is_alert]),
    )
    return Rehearsal(
        *name,
        seen=seen,
        scores=difference.of_scores(then.scores, now, top),
        alerts=difference.of_alerts(then.scores, now),
        alarms=_effects(set(then.alarms), _opened(again), _opened(run)),
        commands=_effects(set(then.commands), _sent(again), _sent(run)),
        commands_by_kind=difference.by_kind(run.commands),
        held=len(run.held),
    )


def _effects(happened: set[str], again: set[str], now: set[str]) -> Effects:
    return Effects(
        len(happened),
        len(again),
        len(now),
        difference.of_sets(happened, now),
        difference.of_sets(again, now),
    )


def _opened(run: DryRun) -> set[str]:
    return {change.alarm_id for change in run.changes if change.change == "opened"}


def _sent(run: DryRun) -> set[str]:
    return {command.command_id for command in run.commands}
