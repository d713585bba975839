"""DecisionTree, RandomForest and ExtraTrees, classifiers and regressors."""

from collections.abc import Callable
from typing import Any

import numpy as np

from models.errors import RefuseSpecError
from models.estimators.forests import Leaf, Node, Probe, Split, add_up
from models.estimators.sheet import Inputs, Output, Sheet
from models.estimators.sql import double


def tree(estimator: Any, inputs: Inputs, sheet: Sheet) -> Output:
    """Compile a single tree."""
    return _compiled([estimator], estimator, inputs, sheet)


def forest(estimator: Any, inputs: Inputs, sheet: Sheet) -> Output:
    """Compile the mean of many trees."""
    return _compiled(estimator.estimators_, estimator, inputs, sheet)


def grown(fitted: Any, probe: Probe, value: Callable[[int], float], columns: Any = None) -> Node:
    """Return a fitted scikit-learn tree with a value for each leaf.

    Parameters
    ----------
    fitted
        The low-level tree, `estimator.tree_`.
    probe
        Makes the tests.
    value
        Leaf's node number -> value.
    columns
        Numbers of the columns that the tree was given, when not all in order.
    """

    def node(i: int) -> Node:
        if fitted.children_left[i] < 0:
            return Leaf(value(i), float(fitted.weighted_n_node_samples[i]))
        column = int(fitted.feature[i] if columns is None else columns[fitted.feature[i]])
        test = probe.at_most(column, fitted.threshold[i], missing_left=bool(fitted.missing_go_to_left[i]))
        return Split(test, column, node(fitted.children_left[i]), node(fitted.children_right[i]))

    return node(0)


def _compiled(members: Any, estimator: Any, inputs: Inputs, sheet: Sheet) -> Output:
    where = _checked(estimator)
    probe = Probe(inputs.columns, sheet, single=True)
    nodes = [grown(m.tree_, probe, _leaf_value(m.tree_, where)) for m in members]
    result = add_up(nodes, probe, sheet, scale=1 / len(members))
    mean = result.sql if len(members) == 1 else f"({result.sql} / {double(len(members))})"
    return Output(mean, mean, "value", result.contributions, result.level)


def _leaf_value(fitted: Any, where: tuple[int, ...]) -> Callable[[int], float]:
    return lambda i: float(fitted.value[(i, *where)])


def _checked(estimator: Any) -> tuple[int, ...]:
    """Return where a node keeps its value: (output, class)."""
    if estimator.n_outputs_ != 1:
        raise RefuseSpecError(
            f"{type(estimator).__name__} has {estimator.n_outputs_} outputs; one can be compiled to SQL"
        )
    if hasattr(estimator, "classes_"):
        check_binary(estimator)
        return (0, 1)
    return (0, 0)


def check_binary(estimator: Any) -> None:
    """Refuse a classifier of one class or of more than two."""
    classes = len(np.ravel(estimator.classes_))
    if classes != 2:  # noqa: PLR2004 - the event is of the class or it is not
        raise RefuseSpecError(f"{type(estimator).__name__} has {classes} classes; two can be compiled to SQL")
