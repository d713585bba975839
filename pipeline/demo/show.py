"""The stages of a demo, the pure part: when to begin, when it is over, when everything has settled."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from pipeline import drain
from pipeline.drain import Look
from pipeline.supervision import Phase


class Stage(StrEnum):
    """Where the show is."""

    STARTING = "starting"
    PLAYING = "simulating"
    SETTLING = "settling"
    OVER = "over"


@dataclass(frozen=True)
class Show:
    """A demo under way.

    Attributes
    ----------
    patience_s
        Longest wait for things to settle, in seconds; what is still missing then, `verify` names.
    settle_by
        When that patience ends.
    """

    patience_s: float
    stage: Stage = Stage.STARTING
    settle_by: float = 0.0
    earlier: Look | None = None


def started(show: Show, phases: Mapping[str, Phase]) -> Show:
    """Begin to play as soon as every part is ready."""
    if show.stage is Stage.STARTING and all(phase is Phase.READY for phase in phases.values()):
        return replace(show, stage=Stage.PLAYING)
    return show


def played(show: Show, now: float) -> Show:
    """Note that the source has ended."""
    return replace(show, stage=Stage.SETTLING, settle_by=now + show.patience_s)


def looked(show: Show, look: Look, now: float) -> Show:
    """Take in one look at the pipeline while things settle."""
    if drain.drained(show.earlier, look) or now >= show.settle_by:
        return replace(show, stage=Stage.OVER)
    return replace(show, earlier=look)
