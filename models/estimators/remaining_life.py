"""`models.remaining_life.RemainingLife`: three regressors, their margins, and the order between them."""

from typing import Any

from models.estimators.sheet import Inputs, Output, Sheet
from models.estimators.sql import double


def remaining_life(estimator: Any, inputs: Inputs, sheet: Sheet) -> Output:
    """Compile the lower bound as the score, estimate and bounds as outputs; contributions are the lower bound's."""
    mean, low, high = (
        sheet.predict(part, inputs) for part in (estimator.estimate_, estimator.lower_, estimator.upper_)
    )
    below, above = estimator.margins_
    level = max(part.level for part in (mean, low, high))
    estimate = sheet.define(f"least(greatest({mean.score}, 0D), {double(estimator.cap_hours)})", level)
    lower = f"greatest(least({low.score} - {double(below)}, {estimate}), 0D)"
    upper = f"greatest({high.score} + {double(above)}, {estimate})"
    outputs = {"estimate": estimate, "lower": lower, "upper": upper}
    return Output(lower, lower, "value", low.contributions, level + 1, outputs)
