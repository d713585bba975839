"""IsolationForest: how early random splits set a row apart."""

from typing import Any

import numpy as np
from sklearn.ensemble._iforest import _average_path_length

from models.errors import RefuseSpecError
from models.estimators.forests import Node, Probe, add_up
from models.estimators.sheet import Inputs, Output, Sheet
from models.estimators.sql import double
from models.estimators.trees import grown


def isolation_forest(estimator: Any, inputs: Inputs, sheet: Sheet) -> Output:
    """Compile `-score_samples`, between 0 and 1, higher for stranger rows; contributions are of its log2."""
    longest = float(np.ravel(_average_path_length([estimator._max_samples]))[0])  # noqa: SLF001 - kept nowhere else
    scale = len(estimator.estimators_) * longest
    if scale == 0:
        raise RefuseSpecError(
            "IsolationForest fitted on single rows can't be compiled to SQL: give more max_samples"
        )
    probe = Probe(inputs.columns, sheet, single=True)
    trees = [_tree(estimator, i, probe) for i in range(len(estimator.estimators_))]
    result = add_up(trees, probe, sheet, scale=-1 / scale)
    score = f"pow(2D, -({result.sql} / {double(scale)}))"
    return Output(score, score, "log2", result.contributions, result.level)


def _tree(estimator: Any, i: int, probe: Probe) -> Node:
    steps = estimator._decision_path_lengths[i]  # noqa: SLF001 - kept nowhere else
    rest = estimator._average_path_length_per_tree[i]  # noqa: SLF001 - kept nowhere else
    columns = None
    if estimator._max_features != len(probe.columns):  # noqa: SLF001 - kept nowhere else
        columns = estimator.estimators_features_[i]
    fitted = estimator.estimators_[i].tree_
    return grown(fitted, probe, lambda n: float(steps[n]) + float(rest[n]) - 1.0, columns)
