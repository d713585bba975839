"""The stages of a demo, the pure part: when to begin, when it is over, when everything has settled."""

import math
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
        Longest wait without any progress while things settle, in seconds; what is still missing then, `verify` names.
    warm_up_s
        Shortest time of playing before latencies count, in seconds: a Java compiler warms up.
    rate
        Events per second from the source.
    began
        When the playing began.
    warm
        Whether latencies count.
    settle_by
        When that patience ends.
    least
        The least work that was left in any look.
    """

    patience_s: float
    warm_up_s: float
    rate: float
    began: float = 0.0
    warm: bool = False
    stage: Stage = Stage.STARTING
    settle_by: float = 0.0
    least: float = math.inf
    earlier: Look | None = None


def started(show: Show, phases: Mapping[str, Phase], now: float) -> Show:
    """Begin to play as soon as every part is ready."""
    if show.stage is Stage.STARTING and all(phase is Phase.READY for phase in phases.values()):
        return replace(show, stage=Stage.PLAYING, began=now)
    return show


def warmed(show: Show, lag: int, now: float) -> Show:
    """Count latencies once the warm-up is over and the backlog that it left is gone (less than a second's events)."""
    if show.stage is Stage.PLAYING and now - show.began >= show.warm_up_s and lag < show.rate:
        return replace(show, warm=True)
    return show


def played(show: Show, now: float) -> Show:
    """Note that the source has ended."""
    return replace(show, stage=Stage.SETTLING, settle_by=now + show.patience_s)


def looked(show: Show, look: Look, unscored: int, now: float) -> Show:
    """Take in one look at the pipeline while things settle: while less and less is left, a slow machine is waited for."""
    left = unscored + sum(look.lags.values())
    if left < show.least:
        show = replace(show, least=left, settle_by=now + show.patience_s)
    if drain.drained(show.earlier, look) or now >= show.settle_by:
        return replace(show, stage=Stage.OVER)
    return replace(show, earlier=look)
