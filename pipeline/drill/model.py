"""The model that a drill deploys: a feature of every family, and a score that anyone can compute again from them.

It is deployed as `fraud`, so that its alerts lead to the commands that the policy of cards wants.
"""

from typing import Final

from models.artifact import FORMAT, Artifact, Training, seal
from models.compiled import Compiled
from models.events import Transaction
from models.expressions import coalesce, feature, field
from models.features import Entity, row
from models.plan import compile_plan

MONTH_MS: Final = 28 * 86_400_000
LARGE: Final = 2.0
"""An amount of so many times the card's mean is large."""

UNUSUAL: Final = 160.0
"""Few pay more: it makes alerts from the first event on."""

RECENT: Final = 10
THRESHOLD: Final = 1.9

amount = field("amount")
card, terminal = Entity("card"), Entity("terminal")
times_usual = coalesce(amount / feature("card_mean"), 1.0)

FEATURES: Final = [
    card.mean("card_mean", amount, half_life_ms=MONTH_MS),
    card.count("card_count", half_life_ms=MONTH_MS),
    card.recent(RECENT).max("card_largest", amount, within_ms=MONTH_MS),
    terminal.sum("terminal_large", times_usual > LARGE, half_life_ms=MONTH_MS),
    terminal.frauds("terminal_frauds", half_life_ms=MONTH_MS),
    terminal.labels("terminal_known", half_life_ms=MONTH_MS),
    row(
        "suspicion",
        times_usual
        + (amount > UNUSUAL).as_number()
        + feature("card_count") / 1_000.0
        + coalesce(feature("card_largest"), 0.0) / 10_000.0
        + feature("terminal_large") / 50.0
        + feature("terminal_frauds") / 20.0
        + feature("terminal_known") / 1_000.0,
    ),
]
PLAN: Final = compile_plan(Transaction, FEATURES)


def artifact() -> Artifact:
    """Return the model as an artifact: nothing in it has to be trained."""
    return seal(
        Artifact(
            format=FORMAT,
            name="fraud",
            version="drill",
            event="transaction",
            plan=PLAN,
            compiled=Compiled(layers=[], score="suspicion", contributions={}),
            threshold=THRESHOLD,
            metrics={},
            training=Training(0, 0, 0, 0, "", {}),
        )
    )
