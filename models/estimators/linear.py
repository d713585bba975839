"""Linear models: a weighted sum, and log-odds for a classifier. What a feature adds is exact."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from models.errors import RefuseSpecError
from models.estimators.sheet import Column, Inputs, Output, Part, Sheet, depth
from models.estimators.sql import double, logistic, total, weighted


def linear_classifier(estimator: Any, inputs: Inputs, _sheet: Sheet) -> Output:
    """Compile a LogisticRegression of two classes."""
    margin = _margin(estimator, inputs)
    return Output(
        logistic(margin), margin, "log-odds", _contributions(estimator, inputs), depth(inputs.columns)
    )


def linear_margin(estimator: Any, inputs: Inputs, _sheet: Sheet) -> Output:
    """Compile a linear classifier that knows no probability: a calibrator around it takes its margin."""
    margin = _margin(estimator, inputs)
    return Output("", margin, "margin", _contributions(estimator, inputs), depth(inputs.columns))


def linear_regressor(estimator: Any, inputs: Inputs, _sheet: Sheet) -> Output:
    """Compile a linear regressor of one target."""
    value = _margin(estimator, inputs)
    return Output(value, value, "value", _contributions(estimator, inputs), depth(inputs.columns))


def _coefficients(estimator: Any) -> tuple[Sequence[float], float]:
    weights = np.atleast_2d(estimator.coef_)
    if len(weights) != 1:
        raise RefuseSpecError(
            f"{type(estimator).__name__} has {len(weights)} targets or more than two classes; one score can be compiled"
        )
    return weights[0], float(np.ravel(estimator.intercept_)[0])


def _margin(estimator: Any, inputs: Inputs) -> str:
    weights, intercept = _coefficients(estimator)
    terms = zip(weights, (c.sql for c in inputs.columns), strict=True)
    return total([weighted(terms), double(intercept)])


def _contributions(estimator: Any, inputs: Inputs) -> dict[str, str]:
    if not all(c.parts for c in inputs.columns):
        return {}
    weights, _ = _coefficients(estimator)
    slopes: dict[tuple[str, str, float], float] = {}
    for weight, part in zip(weights, _parts(inputs), strict=True):
        for p in part:
            key = (p.feature, p.sql, p.mean)
            slopes[key] = slopes.get(key, 0.0) + float(weight) * p.weight
    features = dict.fromkeys(feature for feature, _, _ in slopes)
    return {
        name: weighted(
            (slope, f"({sql} - {double(mean)})" if mean else sql)
            for (feature, sql, mean), slope in slopes.items()
            if feature == name
        )
        for name in features
    }


def _parts(inputs: Inputs) -> list[tuple[Part, ...]]:
    if inputs.rows is None:
        return [c.parts for c in inputs.columns]
    means = np.asarray(inputs.rows.mean(axis=0)).ravel()
    return [_around(c, float(mean)) for c, mean in zip(inputs.columns, means, strict=True)]


def _around(column: Column, mean: float) -> tuple[Part, ...]:
    if len(column.parts) != 1:
        return column.parts
    part = column.parts[0]
    return (Part(part.sql, part.feature, part.weight, mean if part.sql == column.sql else part.mean),)
