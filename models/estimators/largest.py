"""`models.largest.Largest`: the greatest of its features; each feature is its own reason."""

from typing import Any

from models.estimators.sheet import Inputs, Output, Sheet, depth


def largest(estimator: Any, inputs: Inputs, sheet: Sheet) -> Output:  # noqa: ARG001 - the shape of every predictor
    """Compile the greatest of the columns; null and NaN count for nothing."""
    values = [f"nanvl({column.sql}, cast(null as double))" for column in inputs.columns]
    greatest = values[0] if len(values) == 1 else f"greatest({', '.join(values)})"
    score = f"coalesce({greatest}, 0D)"
    contributions = {c.feature: v for c, v in zip(inputs.columns, values, strict=True) if c.feature}
    return Output(score, score, "value", contributions, depth(inputs.columns))
