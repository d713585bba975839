"""Which faults come, in which order: chosen by a seed, so that a drill can be repeated."""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.errors import RefuseUsageError

LAST: Final = ("checkpoint-lost", "duplicates", "disk-full-cassandra")
"""What reads everything again, leaves traces in the features of later events, or may not come back, comes after all others."""


@dataclass(frozen=True)
class Step:
    """One fault with the seed of its own randomness."""

    fault: str
    seed: int


def plan(known: Collection[str], asked: Sequence[str], seeds: Sequence[int]) -> list[Step]:
    """Return the steps: each fault once per seed, shuffled by it.

    Raises
    ------
    RefuseUsageError
        When a fault is not known.
    """
    unknown = sorted(set(asked) - set(known))
    if unknown:
        raise RefuseUsageError(f"there is no fault {', '.join(unknown)}: `fastdata drill --list` names all")
    rounds = [_shuffled(list(dict.fromkeys(asked or known)), seed) for seed in seeds]
    steps = [Step(fault, seed) for seed, faults in zip(seeds, rounds, strict=True) for fault in faults]
    return sorted(steps, key=lambda step: step.fault in LAST and 1 + LAST.index(step.fault))


def _shuffled(faults: list[str], seed: int) -> list[str]:
    random.Random(seed).shuffle(faults)  # noqa: S311 - a plan that can be repeated
    return faults


def rng_of(step: Step) -> random.Random:
    """Return the randomness of one step."""
    return random.Random(f"{step.fault} {step.seed}")  # noqa: S311 - as above
