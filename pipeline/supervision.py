"""The life of one supervised child, the pure part: what to do next, given the time and what happened.

A child waits for its start, starts, is ready, and is stopped or ends. An end that nobody asked for is a
crash: the next start waits exponentially longer, and more crashes than the budget within its window fail
the child for good. Times are seconds on any monotonic clock.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

REFUSED_EXIT: Final = 2
"""Exit status by which a child says that its settings or input are wrong: a restart cannot help."""


class Phase(StrEnum):
    """Where a child is in its life."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"
    DONE = "done"
    FAILED = "failed"


class Action(StrEnum):
    """What the supervisor has to do to the process."""

    START = "start"
    TERMINATE = "terminate"
    KILL = "kill"


@dataclass(frozen=True)
class Policy:
    """When to restart and how long to wait.

    Attributes
    ----------
    first_delay_s, max_delay_s
        Wait before the first restart after a calm time; it doubles with every crash up to the maximum.
    budget, window_s
        More than `budget` crashes within the last `window_s` seconds fail the child.
    ready_timeout_s
        A child that is not ready in this time is terminated and counts as crashed.
    grace_s
        Time between the request to stop and the kill.
    """

    first_delay_s: float
    max_delay_s: float
    budget: int
    window_s: float
    ready_timeout_s: float
    grace_s: float


@dataclass(frozen=True)
class Life:
    """The state of one child.

    Attributes
    ----------
    deadline
        When the next thing is due: the start, the end of patience with a start, or the kill.
    crashes
        Times of the crashes that still count.
    stop_asked
        Whether the coming end is wanted.
    finishes
        Whether the child may end by itself with exit status 0.
    """

    phase: Phase
    deadline: float | None
    crashes: tuple[float, ...] = ()
    stop_asked: bool = False
    finishes: bool = False

    @property
    def over(self) -> bool:
        """Whether the child will never run again."""
        return self.phase in {Phase.DONE, Phase.FAILED}

    @property
    def has_process(self) -> bool:
        """Whether a process of this child exists."""
        return self.phase in {Phase.STARTING, Phase.READY, Phase.STOPPING}


def fresh(now: float, *, finishes: bool = False) -> Life:
    """Return a child that is to be started at once."""
    return Life(Phase.WAITING, now, finishes=finishes)


def tick(life: Life, now: float, policy: Policy) -> tuple[Life, Action | None]:
    """Return what the passing of time demands."""
    if life.deadline is None or now < life.deadline:
        return life, None
    match life.phase:
        case Phase.WAITING:
            return replace(life, phase=Phase.STARTING, deadline=now + policy.ready_timeout_s), Action.START
        case Phase.STARTING:
            return replace(life, phase=Phase.STOPPING, deadline=now + policy.grace_s), Action.TERMINATE
        case Phase.STOPPING:
            return replace(life, deadline=now + policy.grace_s), Action.KILL
        case _:
            return life, None


def ready(life: Life) -> Life:
    """Note that the child reported that it works."""
    return replace(life, phase=Phase.READY, deadline=None) if life.phase is Phase.STARTING else life


def stop(life: Life, now: float, policy: Policy) -> tuple[Life, Action | None]:
    """Ask the child to end; asking again changes nothing."""
    if life.stop_asked or life.over:
        return life, None
    asked = replace(life, stop_asked=True)
    if life.phase is Phase.WAITING:
        return replace(asked, phase=Phase.DONE, deadline=None), None
    if life.phase is Phase.STOPPING:
        return asked, None
    return replace(asked, phase=Phase.STOPPING, deadline=now + policy.grace_s), Action.TERMINATE


def exited(life: Life, now: float, code: int, policy: Policy, *, replaced: bool = False) -> Life:
    """Note that the process ended with `code` (negative: by that signal).

    Parameters
    ----------
    replaced
        Whether a standby can take its place: then nothing is waited for.
    """
    if life.stop_asked or (code == 0 and life.finishes):
        return replace(life, phase=Phase.DONE, deadline=None)
    crashes = (*(t for t in life.crashes if now - t < policy.window_s), now)
    if code == REFUSED_EXIT or len(crashes) > policy.budget:
        return replace(life, phase=Phase.FAILED, deadline=None, crashes=crashes)
    pause = 0.0 if replaced else delay_s(len(crashes), policy)
    return replace(life, phase=Phase.WAITING, deadline=now + pause, crashes=crashes)


def delay_s(crashes: int, policy: Policy) -> float:
    """Return the wait before the next start after that many crashes within the window, in seconds."""
    doublings = min(crashes - 1, 60)
    return float(min(policy.max_delay_s, policy.first_delay_s * 2**doublings))
