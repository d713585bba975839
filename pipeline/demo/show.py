"""The stages of a demo, the pure part: when to begin, when it is over, when everything has settled."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from pipeline import drain
from pipeline.drain import Look
from pipeline.supervision import Phase

LEAST_HELD: Final = 200
"""So many events may always wait for the query: the last ones are perhaps of machines that no model sees."""


UNSEEN_S: Final = 30.0
"""What the query has not scored after so many seconds, in which it scored nothing, no model sees."""


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
    play_s
        How long to play from the first scores on, in seconds.
    warm_up_s
        Shortest time from the first scores until latencies count, in seconds: a Java compiler warms up.
    rate
        Events per second from the sources.
    began
        When the playing began.
    scoring_since
        When every model had scored something.
    warm
        Whether latencies count.
    settle_by
        When that patience ends.
    least
        The least work that was left in any look.
    """

    patience_s: float
    play_s: float
    warm_up_s: float
    rate: float
    began: float = 0.0
    scoring_since: float | None = None
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


def scoring(show: Show, now: float) -> Show:
    """Note that every model has scored something."""
    return show if show.scoring_since is not None else replace(show, scoring_since=now)


def warmed(show: Show, lag: int, now: float) -> Show:
    """Count latencies once the warm-up is over and the backlog that it left is gone (less than a second's events)."""
    if show.stage is Stage.PLAYING and _for(show, now) >= show.warm_up_s and lag < show.rate:
        return replace(show, warm=True)
    return show


def holds(show: Show, lag: int) -> bool:
    """Whether sources have to wait: a machine that takes less than they send is shown at its own pace, not its backlog."""
    return lag > max(show.rate, LEAST_HELD)


def is_enough(show: Show, now: float) -> bool:
    """Whether it has played for so long; sources that never had to wait are through before."""
    return show.stage is Stage.PLAYING and _for(show, now) >= show.play_s


def _for(show: Show, now: float) -> float:
    return 0.0 if show.scoring_since is None else now - show.scoring_since


def played(show: Show, now: float) -> Show:
    """Note that the source has ended."""
    return replace(show, stage=Stage.SETTLING, settle_by=now + show.patience_s)


def looked(show: Show, look: Look, unscored: int, now: float) -> Show:
    """Take in one look at the pipeline while things settle: while less and less is left, a slow machine is waited for.

    What the query has left for `UNSEEN_S`, while nothing else was left either, is of machines that no model sees.
    """
    left = unscored + sum(look.lags.values())
    if left < show.least:
        show = replace(show, least=left, settle_by=now + show.patience_s)
    unmoved_s = now - (show.settle_by - show.patience_s)
    look = replace(look, query_done=look.query_done or unmoved_s >= UNSEEN_S)
    if drain.drained(show.earlier, look) or now >= show.settle_by:
        return replace(show, stage=Stage.OVER)
    return replace(show, earlier=look)
