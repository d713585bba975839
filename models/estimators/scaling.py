"""Scalers and the imputer: one column in, one column out."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from models.errors import RefuseSpecError
from models.estimators.sheet import Column, Sheet
from models.estimators.sql import double, is_missing, text


def standard_scaler(step: Any, columns: Sequence[Column], _sheet: Sheet) -> list[Column]:
    """Compile a StandardScaler."""
    n = len(columns)
    means = step.mean_ if step.mean_ is not None else [None] * n
    centres = step.mean_ if step.with_mean else np.zeros(n)
    scales = step.scale_ if step.with_std else np.ones(n)
    return [c.scaled(m, s, mean) for c, m, s, mean in zip(columns, centres, scales, means, strict=True)]


def robust_scaler(step: Any, columns: Sequence[Column], _sheet: Sheet) -> list[Column]:
    """Compile a RobustScaler."""
    centres = step.center_ if step.with_centering else np.zeros(len(columns))
    scales = step.scale_ if step.with_scaling else np.ones(len(columns))
    return [c.scaled(m, s) for c, m, s in zip(columns, centres, scales, strict=True)]


def min_max_scaler(step: Any, columns: Sequence[Column], sheet: Sheet) -> list[Column]:
    """Compile a MinMaxScaler, clipping or not."""
    moved = [
        c.changed(f"({c.sql} * {double(s)} + {double(m)})")
        for c, s, m in zip(columns, step.scale_, step.min_, strict=True)
    ]
    return [_clipped(sheet.kept(c), *step.feature_range) for c in moved] if step.clip else moved


def simple_imputer(step: Any, columns: Sequence[Column], _sheet: Sheet) -> list[Column]:
    """Compile a SimpleImputer of missing values, with its indicators."""
    if not _is_nan(step.missing_values):
        raise RefuseSpecError(
            f"SimpleImputer(missing_values={step.missing_values!r}) can't be compiled to SQL; only missing_values=nan can"
        )
    filled = [
        _filled(c, value)
        for c, value in zip(columns, step.statistics_, strict=True)
        if step.keep_empty_features or not _is_nan(value)
    ]
    indicated = step.indicator_.features_ if step.add_indicator else []
    return filled + [_indicator(columns[i]) for i in indicated]


def _filled(column: Column, value: Any) -> Column:
    if isinstance(value, str):
        return column.changed(f"coalesce({column.sql}, {text(value)})")
    number = 0.0 if _is_nan(value) else float(value)
    return column.changed(f"coalesce(nanvl({column.sql}, {double(number)}), {double(number)})")


def _indicator(column: Column) -> Column:
    return column.changed(f"if({is_missing(column.sql)}, 1D, 0D)")


def _clipped(column: Column, low: float, high: float) -> Column:
    c = column.sql
    return column.changed(
        f"if({c} < {double(low)}, {double(low)}, if({c} > {double(high)} and not isnan({c}), {double(high)}, {c}))"
    )


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and np.isnan(value)
