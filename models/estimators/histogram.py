"""HistGradientBoosting: float64 tests, missing values, splits by sets of categories, every loss's link."""

from typing import Any

import numpy as np

from models.errors import RefuseSpecError
from models.estimators.forests import Leaf, Node, Probe, Split, Sum, add_up
from models.estimators.sheet import Column, Inputs, Output, Sheet
from models.estimators.sql import double, logistic
from models.estimators.trees import check_binary


def classifier(estimator: Any, inputs: Inputs, sheet: Sheet) -> Output:
    """Compile a HistGradientBoostingClassifier of two classes."""
    check_binary(estimator)
    raw, result = _raw(estimator, inputs, sheet)
    return Output(logistic(raw), raw, "log-odds", result.contributions, result.level)


def regressor(estimator: Any, inputs: Inputs, sheet: Sheet) -> Output:
    """Compile a HistGradientBoostingRegressor; with a log link, contributions are of the logarithm."""
    raw, result = _raw(estimator, inputs, sheet)
    link = type(estimator._loss.link).__name__  # noqa: SLF001 - kept nowhere else
    if link == "IdentityLink":
        return Output(raw, raw, "value", result.contributions, result.level)
    if link == "LogLink":
        value = f"exp({raw})"
        return Output(value, value, "logarithm", result.contributions, result.level)
    raise RefuseSpecError(
        f"HistGradientBoostingRegressor(loss={estimator.loss!r}) can't be compiled to SQL: its link is {link}"
    )


def _raw(estimator: Any, inputs: Inputs, sheet: Sheet) -> tuple[str, Sum]:
    probe = Probe(_columns(estimator, inputs, sheet), sheet, single=False)
    trees = [_Grower(estimator, predictor, probe).node(0) for (predictor,) in estimator._predictors]  # noqa: SLF001 - the trees are kept nowhere else
    baseline = float(np.ravel(estimator._baseline_prediction)[0])  # noqa: SLF001 - kept nowhere else
    result = add_up(trees, probe, sheet, start=double(baseline))
    return result.sql, result


def _columns(estimator: Any, inputs: Inputs, sheet: Sheet) -> list[Column]:
    """Return what the trees were fitted on: the codes of the categorical columns, then the other columns."""
    prepared = estimator._preprocessor  # noqa: SLF001 - the encoder of categories is kept nowhere else
    if prepared is None:
        return inputs.columns
    marked = list(zip(inputs.columns, estimator.is_categorical_, strict=True))
    coded = sheet.transform(prepared.named_transformers_["encoder"], [c for c, coded in marked if coded])
    return coded + [c for c, coded in marked if not coded]


class _Grower:
    """Reads one tree of the ensemble."""

    def __init__(self, estimator: Any, predictor: Any, probe: Probe) -> None:
        self._nodes = predictor.nodes
        self._left_sets = predictor.raw_left_cat_bitsets
        self._known = _known_codes(estimator)
        self._probe = probe

    def node(self, i: int) -> Node:
        row = self._nodes[i]
        if row["is_leaf"]:
            return Leaf(float(row["value"]), float(row["count"]))
        return Split(
            self._test(row),
            int(row["feature_idx"]),
            self.node(int(row["left"])),
            self.node(int(row["right"])),
        )

    def _test(self, row: Any) -> str:
        column, missing_left = int(row["feature_idx"]), bool(row["missing_go_to_left"])
        if not row["is_categorical"]:
            return self._probe.at_most(column, float(row["num_threshold"]), missing_left=missing_left)
        words = self._left_sets[int(row["bitset_idx"])]
        left = [bool(words[code // 32] >> (code % 32) & 1) for code in range(self._known[column])]
        return self._probe.one_of(column, [*left, missing_left])


def _known_codes(estimator: Any) -> list[int]:
    """Return the number of categories per column; codes run from 0."""
    mapper = estimator._bin_mapper  # noqa: SLF001 - kept nowhere else
    known, rank = mapper.make_known_categories_bitsets()
    counts = [0] * len(mapper.bin_thresholds_)
    for column in np.flatnonzero(mapper.is_categorical_):
        bits = known[rank[column]]
        counts[column] = sum(int(word).bit_count() for word in bits)
    return counts
