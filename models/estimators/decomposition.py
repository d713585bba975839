"""PCA: a linear map, so that what a linear model says of its axes is said of the features behind them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from models.estimators.sheet import Column, Part, Sheet, depth
from models.estimators.sql import double, total, weighted


def pca(step: Any, columns: Sequence[Column], sheet: Sheet) -> list[Column]:
    """Compile a PCA, whitening or not."""
    kept = [sheet.kept(c) for c in columns]
    centred = [_with_mean(c, float(mean)) for c, mean in zip(kept, step.mean_, strict=True)]
    return [sheet.kept(_axis(weights, shift, centred)) for weights, shift in _axes(step)]


def _axes(step: Any) -> list[tuple[Any, float]]:
    scale = np.sqrt(step.explained_variance_) if step.whiten else np.ones(len(step.components_))
    scale = np.maximum(scale, np.finfo(scale.dtype).eps)
    weights = step.components_ / scale[:, None]
    return [(w, -float(w @ step.mean_)) for w in weights]


def _with_mean(column: Column, mean: float) -> Column:
    if len(column.parts) != 1:
        return column
    return replace(column, parts=(replace(column.parts[0], mean=mean),))


def _axis(weights: Any, shift: float, columns: Sequence[Column]) -> Column:
    sql = total([weighted(zip(weights, (c.sql for c in columns), strict=True)), double(shift)])
    parts: tuple[Part, ...] = ()
    if all(c.parts for c in columns):
        parts = tuple(
            replace(p, weight=p.weight * float(w))
            for w, c in zip(weights, columns, strict=True)
            for p in c.parts
        )
    return Column(sql, depth(columns), parts)
