"""A trial: skipped, recovered, or helped by hand; only what is new is charged to it."""

from typing import Any

import pytest

from pipeline.drill import trial
from pipeline.drill.oracle import NOTHING, Findings
from pipeline.drill.plan import Step
from pipeline.drill.rig import GiveUpFaultError, SkipFaultError
from pipeline.drill.trial import Look, Stand

STEP = Step("burst", 1)
EARLIER = Look(settled=True, findings=Findings(lost=frozenset({"old"})), counted_twice=3)
LATER = Look(settled=True, findings=Findings(lost=frozenset({"old", "new"})), counted_twice=5)
RIG: Any = None


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "UNSEEN_S", 0.0)
    monkeypatch.setattr(trial, "LOOK_EVERY_S", 0.0)


def stand(lags: list[float], look: Look = LATER, patience_s: float = 60.0) -> Stand:
    def lag_s() -> float:
        return lags.pop(0) if len(lags) > 1 else lags[0]

    return Stand(lag_s, lambda: look, lambda: "a hand", patience_s)


def test_a_fault_that_was_recovered_from_is_charged_with_what_is_new() -> None:
    outcome, look = trial.run(STEP, lambda _: "done", RIG, stand([9.0, 0.1, 9.0, 0.1]), EARLIER)
    assert look is LATER
    assert outcome.findings == Findings(lost=frozenset({"new"}))
    assert outcome.counted_twice == 2
    assert outcome.recovery_s is not None
    assert not outcome.survived
    assert trial.run(STEP, lambda _: "done", RIG, stand([0.1]), LATER)[0].survived


def test_a_fault_that_was_not_recovered_from_is_helped_and_not_survived() -> None:
    outcome, _ = trial.run(STEP, lambda _: "done", RIG, stand([float("inf")], patience_s=0.01), LATER)
    assert outcome.recovery_s is None
    assert outcome.remedy == "a hand"
    assert outcome.findings == NOTHING
    assert not outcome.survived


def test_a_fault_that_can_not_be_brought_about_is_skipped_with_the_reason() -> None:
    def fault(_rig: object) -> str:
        raise SkipFaultError("no disk")

    outcome, look = trial.run(STEP, fault, RIG, stand([0.1]), EARLIER)
    assert (outcome.skipped, outcome.told) == (True, "no disk")
    assert look is EARLIER


def test_a_fault_that_gave_up_is_not_survived() -> None:
    def fault(_rig: object) -> str:
        raise GiveUpFaultError("a damaged artifact was deployed")

    outcome, _ = trial.run(STEP, fault, RIG, stand([0.1]), LATER)
    assert not outcome.survived
    assert outcome.told == "a damaged artifact was deployed"
