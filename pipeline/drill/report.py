"""The drill's report: a table for people, plain values for programs."""

import math
import statistics
from collections.abc import Iterator, Sequence
from typing import Any, Final

from pipeline.drill.trial import Outcome

SHOWN: Final = 5
ROUNDING: Final = 1e-9
COLUMNS: Final = f"{'fault':24} {'seeds':>5} {'lost':>5} {'phantom':>7} {'doubled':>7} {'wrong':>6} {'recovery, s':>14}  survived"


def table(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Return one line per fault, and below it what there is to tell."""
    yield COLUMNS
    for fault in dict.fromkeys(outcome.fault for outcome in outcomes):
        yield from lines(fault, [o for o in outcomes if o.fault == fault])
    yield total(outcomes)


def total(outcomes: Sequence[Outcome]) -> str:
    """Return the sum as one line."""
    ran = [o for o in outcomes if not o.skipped]
    sums = ", ".join(f"{name} {count:,}" for name, count in counts(ran).items())
    times = sorted(o.recovery_s for o in ran if o.recovery_s is not None)
    p95 = f"recovery p95 {percentile(times, 0.95):.1f} s" if times else "no recovery"
    survived = sum(o.survived for o in ran)
    return f"{len(ran)} trials, {survived} survived, {len(outcomes) - len(ran)} skipped: {sums}; {p95}"


def counts(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """Return how much was found, by kind."""
    kinds = ("lost", "phantom", "doubled", "wrong")
    return {kind: sum(len(getattr(o.findings, kind)) for o in outcomes) for kind in kinds}


def percentile(rising: Sequence[float], share: float) -> float:
    """Return the smallest value that this share of the values does not exceed."""
    return rising[min(len(rising) - 1, math.ceil(share * len(rising) - ROUNDING) - 1)]


def as_dict(outcomes: Sequence[Outcome], facts: dict[str, Any]) -> dict[str, Any]:
    """Return everything, every name included."""
    times = sorted(o.recovery_s for o in outcomes if o.recovery_s is not None)
    return {
        **facts,
        "clean": clean(outcomes),
        "found": counts(outcomes),
        "recovery_p95_s": percentile(times, 0.95) if times else None,
        "trials": [outcome.as_dict() for outcome in outcomes],
    }


def clean(outcomes: Sequence[Outcome]) -> bool:
    """Whether nothing at all was found, and everything settled."""
    return all(o.skipped or (o.clean and o.settled) for o in outcomes)


def lines(fault: str, trials: Sequence[Outcome]) -> Iterator[str]:
    """Return the line of one fault, and what there is to tell of trials that it did not survive."""
    if all(o.skipped for o in trials):
        yield f"{fault:24} {len(trials):5}  skipped: {trials[0].told}"
        return
    found = counts(trials)
    times = [o.recovery_s for o in trials if o.recovery_s is not None]
    spread = f"{statistics.median(times):.1f} to {max(times):.1f}" if times else "never"
    survived = f"{sum(o.survived for o in trials)} of {len(trials)}"
    numbers = f"{found['lost']:5} {found['phantom']:7} {found['doubled']:7} {found['wrong']:6}"
    yield f"{fault:24} {len(trials):5} {numbers} {spread:>14}  {survived}"
    for outcome in trials:
        if not outcome.survived:
            yield from _details(outcome)


def _details(outcome: Outcome) -> Iterator[str]:
    yield f"    seed {outcome.seed}: {outcome.told}"
    if outcome.remedy:
        yield f"        needed: {outcome.remedy}"
    if not outcome.settled:
        yield "        work was left when the oracle looked"
    for kind, names in outcome.findings.as_dict().items():
        if names:
            more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
            yield f"        {kind}: {', '.join(names[:SHOWN])}{more}"
