"""One trial: a fault, the recovery from it, and what the oracle finds when everything has settled."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import structlog

from pipeline.drill.oracle import NOTHING, Findings
from pipeline.drill.plan import Step
from pipeline.drill.rig import Fault, GiveUpFaultError, Rig, SkipFaultError

RECOVERED_LAG_S: Final = 1.0
"""The pipeline has recovered when nothing anywhere in it has waited for so long, in seconds."""

UNSEEN_S: Final = 2.0
"""A fault shows in the lag within this time; looks before it say nothing."""

GOOD_LOOKS: Final = 3
LOOK_EVERY_S: Final = 0.3

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Outcome:
    """How a trial went.

    Attributes
    ----------
    told
        What the fault did, or why it was skipped.
    recovery_s
        Seconds from the end of the fault until the lag was under a second; None when it never was.
    settled
        Whether nothing waited any more when the oracle looked.
    findings
        What this trial brought to light.
    counted_twice
        Scores with a duplicate in their features.
    remedy
        What an operator had to do before the pipeline worked again; empty when nothing.
    took_s
        All of the trial, in seconds.
    """

    fault: str
    seed: int
    told: str
    skipped: bool = False
    recovery_s: float | None = None
    settled: bool = False
    findings: Findings = NOTHING
    counted_twice: int = 0
    remedy: str = ""
    took_s: float = 0.0

    @property
    def clean(self) -> bool:
        """Whether nothing was lost, invented, doubled or wrong."""
        return self.findings.clean

    @property
    def survived(self) -> bool:
        """Whether the pipeline recovered by itself, and clean."""
        return self.clean and self.settled and self.recovery_s is not None and not self.remedy

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        kept = {name: value for name, value in vars(self).items() if name != "findings"}
        return {**kept, "survived": self.survived or self.skipped, "findings": self.findings.as_dict()}


@dataclass(frozen=True)
class Look:
    """What the oracle found in one look, over everything so far."""

    settled: bool
    findings: Findings
    counted_twice: int


@dataclass(frozen=True)
class Stand:
    """What a trial needs of the drill.

    Attributes
    ----------
    lag_s
        How long the oldest work anywhere in the pipeline has been waiting, in seconds; infinite while a part is not ready.
    settle_and_judge
        Stops the load, waits until nothing is left to do, looks at every ledger, and lets the load go on.
    remedy
        Does what an operator would do about a pipeline that does not come back; returns what that was.
    """

    lag_s: Callable[[], float]
    settle_and_judge: Callable[[], Look]
    remedy: Callable[[], str]
    patience_s: float


def run(step: Step, fault: Fault, rig: Rig, stand: Stand, before: Look) -> tuple[Outcome, Look]:
    """Run one trial; return its outcome, and the last look."""
    began = time.monotonic()
    outcome = Outcome(step.fault, step.seed, "")
    try:
        outcome = replace(outcome, told=fault(rig))
    except SkipFaultError as reason:
        return replace(outcome, told=str(reason), skipped=True, took_s=time.monotonic() - began), before
    except GiveUpFaultError as reason:
        outcome = replace(outcome, told=str(reason), remedy="it did not come about as it should")
    recovery = recovered_after(stand, stand.patience_s)
    if recovery is None:
        outcome = replace(outcome, remedy=stand.remedy())
        recovered_after(stand, stand.patience_s)
    look = stand.settle_and_judge()
    return (
        replace(
            outcome,
            recovery_s=recovery,
            settled=look.settled,
            findings=look.findings.since(before.findings),
            counted_twice=look.counted_twice - before.counted_twice,
            took_s=time.monotonic() - began,
        ),
        look,
    )


def recovered_after(stand: Stand, patience_s: float) -> float | None:
    """Return after how many seconds the lag stayed under a second; None when it did not in time."""
    began = time.monotonic()
    time.sleep(UNSEEN_S)
    good: list[float] = []
    while len(good) < GOOD_LOOKS:
        now = time.monotonic() - began
        if now > patience_s:
            return None
        good = [*good, now] if stand.lag_s() < RECOVERED_LAG_S else []
        time.sleep(LOOK_EVERY_S)
    return good[0]
