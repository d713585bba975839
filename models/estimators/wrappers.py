"""Estimators around estimators: calibration and voting."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from models.errors import RefuseSpecError
from models.estimators.sheet import Inputs, Output, Sheet
from models.estimators.sql import double, logistic, table, weighted
from models.estimators.trees import check_binary


def frozen(estimator: Any, inputs: Inputs, sheet: Sheet) -> Output:
    """Compile what a FrozenEstimator holds."""
    return sheet.predict(estimator.estimator, inputs)


def calibrated_classifier(estimator: Any, inputs: Inputs, sheet: Sheet) -> Output:
    """Compile a CalibratedClassifierCV: the mean of its calibrated classifiers."""
    check_binary(estimator)
    members = [_calibrated(member, inputs, sheet) for member in estimator.calibrated_classifiers_]
    return _average(members, np.ones(len(members)))


def voting_classifier(estimator: Any, inputs: Inputs, sheet: Sheet) -> Output:
    """Compile a VotingClassifier of probabilities."""
    check_binary(estimator)
    if estimator.voting != "soft":
        raise RefuseSpecError("VotingClassifier(voting='hard') knows no probability: set voting='soft'")
    return _voting(estimator, inputs, sheet)


def voting_regressor(estimator: Any, inputs: Inputs, sheet: Sheet) -> Output:
    """Compile a VotingRegressor."""
    return _voting(estimator, inputs, sheet)


def _voting(estimator: Any, inputs: Inputs, sheet: Sheet) -> Output:
    members = [sheet.predict(member, inputs) for member in estimator.estimators_]
    if not all(m.score for m in members):
        raise RefuseSpecError(
            f"{type(estimator).__name__} has a member without a probability: put a CalibratedClassifierCV around it"
        )
    weights = estimator._weights_not_none  # noqa: SLF001 - the weights of the members that are left
    return _average(members, np.ones(len(members)) if weights is None else np.asarray(weights, float))


def _average(members: Sequence[Output], weights: Any) -> Output:
    """Return the weighted mean; contributions only where all members measure them in the same unit."""
    shares = [float(w) for w in weights / weights.sum()]
    if len(members) == 1:
        return members[0]
    score = weighted(zip(shares, (m.score for m in members), strict=True))
    pushes = _average_pushes(members, shares)
    return Output(score, score, members[0].unit, pushes, max(m.level for m in members))


def _average_pushes(members: Sequence[Output], shares: Sequence[float]) -> dict[str, str]:
    if len({m.unit for m in members}) > 1 or not all(m.contributions for m in members):
        return {}
    features = dict.fromkeys(f for m in members for f in m.contributions)
    return {
        f: weighted(
            (s, m.contributions[f]) for s, m in zip(shares, members, strict=True) if f in m.contributions
        )
        for f in features
    }


def _calibrated(member: Any, inputs: Inputs, sheet: Sheet) -> Output:
    inner = sheet.predict(member.estimator, inputs)
    if member.method == "sigmoid":
        return _sigmoid(member.calibrators[0], inner)
    if member.method == "isotonic":
        return _isotonic(member.calibrators[0], inner, sheet)
    raise RefuseSpecError(
        f"CalibratedClassifierCV(method={member.method!r}) can't be compiled to SQL; 'sigmoid' and 'isotonic' can"
    )


def _sigmoid(calibrator: Any, inner: Output) -> Output:
    slope, shift = -float(calibrator.a_), -float(calibrator.b_)
    log_odds = f"{double(slope)} * {inner.response} + {double(shift)}"
    pushes = (
        {f: f"{double(slope)} * {sql}" for f, sql in inner.contributions.items()} if inner.additive else {}
    )
    score = logistic(log_odds)
    return Output(score, score, "log-odds", pushes, inner.level)


def _isotonic(calibrator: Any, inner: Output, sheet: Sheet) -> Output:
    """Compile the line through the thresholds: the segment is found by a binary search, then looked up."""
    xs, ys = np.asarray(calibrator.X_thresholds_, float), np.asarray(calibrator.y_thresholds_, float)
    if len(xs) == 1:
        return Output(double(ys[0]), double(ys[0]), "constant", {}, inner.level)
    value = sheet.define(f"greatest(least({inner.response}, {double(xs[-1])}), {double(xs[0])})", inner.level)
    segment = sheet.define(_search(value, xs, 0, len(xs) - 2), inner.level + 1)
    slopes = np.diff(ys) / np.diff(xs)
    score = f"({table(slopes, segment)} * ({value} - {table(xs[:-1], segment)}) + {table(ys[:-1], segment)})"
    unit = f"{inner.unit} before calibration"
    return Output(score, score, unit, inner.contributions, inner.level + 2)


def _search(value: str, xs: Any, low: int, high: int) -> str:
    if low == high:
        return str(low)
    middle = (low + high) // 2
    left, right = _search(value, xs, low, middle), _search(value, xs, middle + 1, high)
    return f"if({value} < {double(xs[middle + 1])}, {left}, {right})"
