"""One release in another's place, part by part: the pure part. What to do next, given how the parts are.

A part is ended, started from the new release, and has to stay ready for a while before the next one's turn comes. The
first crash turns everything round: the parts that were changed get the old release again, the last one first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from pipeline.supervision import Phase


@dataclass(frozen=True)
class Condition:
    """How a part is: its phase, and its crashes since it was begun."""

    phase: Phase
    crashes: int

    @property
    def over(self) -> bool:
        """Whether nothing of it runs, or will."""
        return self.phase in {Phase.DONE, Phase.FAILED}

    @property
    def broken(self) -> bool:
        """Whether it has not come up as it should."""
        return self.crashes > 0 or self.phase in {Phase.DONE, Phase.FAILED, Phase.STOPPING}


class Stage(StrEnum):
    """Where the part stands whose turn it is."""

    ENDING = "ending"
    STARTING = "starting"
    SETTLING = "settling"


class Do(StrEnum):
    """What has to be done to it."""

    END = "end"
    BEGIN_NEW = "begin the new one"
    BEGIN_OLD = "begin the old one again"


@dataclass(frozen=True)
class Swap:
    """A swap under way.

    Attributes
    ----------
    order
        The parts, in the order of their turns.
    turn
        Index of the part whose turn it is.
    since
        When it became ready, seconds on any monotonic clock.
    failure
        Why everything goes back; empty on the way forward.
    """

    order: tuple[str, ...]
    turn: int = 0
    stage: Stage = Stage.ENDING
    since: float = 0.0
    failure: str = ""

    @property
    def over(self) -> bool:
        """Whether nothing is left to do."""
        return not 0 <= self.turn < len(self.order)


def step(
    swap: Swap, parts: Mapping[str, Condition], now: float, settle_s: float
) -> tuple[Swap, tuple[Do, str] | None]:
    """Return where the swap stands now, and what has to be done to which part.

    Parameters
    ----------
    parts
        Those that there are; a release may lack one.
    settle_s
        How long a part has to stay ready, in seconds.
    """
    if swap.over:
        return swap, None
    name = swap.order[swap.turn]
    part = parts.get(name)
    if swap.stage is Stage.ENDING:
        return _ending(swap, name, part)
    if part is None:
        return _next(swap), None
    return (_going_back(swap, part) if swap.failure else _coming_up(swap, name, part, now, settle_s)), None


def _going_back(swap: Swap, part: Condition) -> Swap:
    return _next(swap) if part.phase is Phase.READY or part.broken else swap


def _coming_up(swap: Swap, name: str, part: Condition, now: float, settle_s: float) -> Swap:
    if part.broken:
        how = "stay" if swap.stage is Stage.SETTLING else "come"
        return replace(swap, failure=f"{name} did not {how} up", stage=Stage.ENDING)
    if swap.stage is Stage.STARTING:
        return replace(swap, stage=Stage.SETTLING, since=now) if part.phase is Phase.READY else swap
    return _next(swap) if now - swap.since >= settle_s else swap


def _ending(swap: Swap, name: str, part: Condition | None) -> tuple[Swap, tuple[Do, str] | None]:
    if part is None or part.over:
        begin = Do.BEGIN_OLD if swap.failure else Do.BEGIN_NEW
        return replace(swap, stage=Stage.STARTING), (begin, name)
    return swap, (None if part.phase is Phase.STOPPING else (Do.END, name))


def _next(swap: Swap) -> Swap:
    return replace(swap, turn=swap.turn + (-1 if swap.failure else 1), stage=Stage.ENDING)
