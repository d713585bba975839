"""GradientBoosting: trees on float32 values over an initial prediction."""

from typing import Any, Final

import numpy as np
from sklearn import ensemble, tree
from sklearn.dummy import DummyClassifier, DummyRegressor

from models.errors import RefuseSpecError
from models.estimators.forests import Probe, Sum, add_up
from models.estimators.sheet import Column, Inputs, Output, Sheet, depth
from models.estimators.sql import double, logistic
from models.estimators.trees import check_binary, grown

_EXACT_INIT: Final = (
    tree.DecisionTreeClassifier,
    tree.DecisionTreeRegressor,
    ensemble.RandomForestClassifier,
    ensemble.RandomForestRegressor,
    ensemble.ExtraTreesClassifier,
    ensemble.ExtraTreesRegressor,
    ensemble.HistGradientBoostingClassifier,
    ensemble.HistGradientBoostingRegressor,
)
"""Initial estimators that compute in float64 on the float32 values that they are given."""


def classifier(estimator: Any, inputs: Inputs, sheet: Sheet) -> Output:
    """Compile a GradientBoostingClassifier of two classes, of either loss."""
    check_binary(estimator)
    raw, result, level = _raw(estimator, inputs, sheet)
    slope = 2.0 if estimator.loss == "exponential" else 1.0
    log_odds = raw if slope == 1.0 else f"{double(slope)} * {raw}"
    unit = "log-odds" if slope == 1.0 else "half log-odds"
    return Output(logistic(log_odds), raw, unit, result.contributions, level)


def regressor(estimator: Any, inputs: Inputs, sheet: Sheet) -> Output:
    """Compile a GradientBoostingRegressor."""
    raw, result, level = _raw(estimator, inputs, sheet)
    return Output(raw, raw, "value", result.contributions, level)


def _raw(estimator: Any, inputs: Inputs, sheet: Sheet) -> tuple[str, Sum, int]:
    start, start_level = _start(estimator, inputs, sheet)
    probe = Probe(inputs.columns, sheet, single=True)
    trees = [_tree(member, estimator.learning_rate, probe) for member in estimator.estimators_[:, 0]]
    result = add_up(trees, probe, sheet, start=start)
    if start_level:
        # what the initial estimator says has no account in this margin
        result = Sum(result.sql, {}, result.level)
    return result.sql, result, max(result.level, start_level)


def _tree(member: Any, rate: float, probe: Probe) -> Any:
    return grown(member.tree_, probe, lambda i: rate * float(member.tree_.value[i, 0, 0]))


def _start(estimator: Any, inputs: Inputs, sheet: Sheet) -> tuple[str, int]:
    """Return the initial raw prediction, and how many layers it needs: none when it is a number."""
    init = estimator.init_
    if isinstance(init, (str, DummyClassifier | DummyRegressor)):
        raw = estimator._raw_predict_init(np.zeros((1, estimator.n_features_in_)))  # noqa: SLF001 - kept nowhere else
        return double(raw[0, 0]), 0
    if type(init) not in _EXACT_INIT:
        raise RefuseSpecError(
            f"{type(estimator).__name__}(init={type(init).__name__}) can't be compiled to SQL: it computes in float32; "
            "use a tree or forest, or leave it out"
        )
    single = [sheet.kept(_single(c)) for c in inputs.columns]
    output = sheet.predict(init, Inputs(single))
    if not hasattr(estimator, "classes_"):
        return output.score, output.level
    name = sheet.define(output.score, output.level)
    eps = np.finfo(np.float64).eps
    inside = f"greatest(least({name}, {double(1 - eps)}), {double(eps)})"
    kept = sheet.define(inside, output.level + 1)
    return f"ln({kept} / (1D - {kept}))", depth([Column(kept, output.level + 2, ())])


def _single(column: Column) -> Column:
    return column.changed(f"cast(cast({column.sql} as float) as double)")
