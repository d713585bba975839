"""The fraud model: what a card usually does, what its terminal has lately been reported for."""

from typing import Final

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from models.events import Transaction
from models.expressions import day_of_week, field, hour_of_day
from models.features import Entity, row
from models.spec import AlertShare, ModelSpec

DAY: Final = 86_400_000
SATURDAY: Final = 5
NIGHT_ENDS: Final = 6

amount = field("amount")
card = Entity("card")
terminal = Entity("terminal")

FRAUD: Final = ModelSpec(
    name="fraud",
    version="1",
    event=Transaction,
    features=[
        row("amount", amount),
        row("weekend", day_of_week() >= SATURDAY),
        row("night", hour_of_day() <= NIGHT_ENDS),
        *(card.count(f"card_count_{days}d", half_life_ms=days * DAY) for days in (1, 7, 30)),
        *(card.mean(f"card_mean_{days}d", amount, half_life_ms=days * DAY) for days in (1, 7, 30)),
        *(terminal.count(f"terminal_count_{days}d", half_life_ms=days * DAY) for days in (1, 7, 30)),
        *(terminal.risk(f"terminal_risk_{days}d", half_life_ms=days * DAY) for days in (1, 7, 30)),
    ],
    estimator=lambda: make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=1000)),
    threshold=AlertShare(0.01),
)
