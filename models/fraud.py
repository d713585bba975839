"""The fraud model: amounts that are unusual for a card, terminals that were lately reported for fraud.

A card that is used by others pays more than its owner does, for about two weeks; a terminal that is
compromised turns every payment into a fraud, for about a month, and the first reports come after a week.
"""

from typing import Final

from sklearn.ensemble import HistGradientBoostingClassifier

from models.events import Transaction
from models.expressions import coalesce, feature, field, sqrt
from models.features import Entity, row
from models.spec import AlertShare, LateLabel, ModelSpec

DAY: Final = 86_400_000
WEEK: Final = 7 * DAY
MONTH: Final = 4 * WEEK

TIMES: Final = 3.0
LIMIT: Final = 220.0
"""An amount of so many times the usual, or above this, is seldom the owner's."""

REPORTED: Final = 2.0 ** (WEEK / MONTH)
"""A fraud weighs so much more than its payment does, as it is reported a week later."""

amount = field("amount")
mean, deviation = feature("card_mean"), feature("card_deviation")
card = Entity("card")
terminal = Entity("terminal")

FRAUD: Final = ModelSpec(
    name="fraud",
    version="2",
    event=Transaction,
    features=[
        row("amount", amount),
        # What the card usually pays: of a few large amounts the mean of the roots knows less than the mean.
        card.mean("card_mean", amount, half_life_ms=MONTH),
        card.deviation("card_deviation", amount, half_life_ms=MONTH),
        card.mean("card_root", coalesce(sqrt(amount), 0.0), half_life_ms=MONTH),
        # How unusual this amount is, and whether others were lately.
        row("deviations", coalesce((amount - mean) / deviation, 0.0)),
        row("times_usual", coalesce(amount / (feature("card_root") * feature("card_root")), 1.0)),
        row("card_spread", coalesce(deviation / mean, 0.0)),
        card.recent(10).max("card_largest", amount, within_ms=MONTH),
        row("largest_to_mean", coalesce(feature("card_largest") / mean, 1.0)),
        # What is known of the terminal: labels come a week late.
        terminal.risk("terminal_risk_day", half_life_ms=DAY),
        terminal.risk("terminal_risk_month", half_life_ms=MONTH),
        terminal.frauds("terminal_frauds", half_life_ms=MONTH),
        terminal.labels("terminal_known", half_life_ms=MONTH),
        # Frauds of large amounts are the card's fault; what remains is the terminal's.
        terminal.sum(
            "terminal_large", (feature("times_usual") > TIMES) | (amount > LIMIT), half_life_ms=MONTH
        ),
        row("terminal_unexplained", feature("terminal_frauds") - REPORTED * feature("terminal_large")),
    ],
    # Small trees: an event costs little, and a week has only some hundred frauds to learn from.
    estimator=lambda: HistGradientBoostingClassifier(
        max_iter=100,
        learning_rate=0.03,
        max_leaf_nodes=8,
        min_samples_leaf=20,
        l2_regularization=5.0,
        max_features=0.5,
        early_stopping=False,
        random_state=0,
    ),
    threshold=AlertShare(0.01),
    label=LateLabel(WEEK),
)
