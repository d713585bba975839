"""Encoders of categories: a feature's values, text or numbers, to codes or to one column each."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from models.errors import RefuseSpecError
from models.estimators.sheet import Column, Sheet
from models.estimators.sql import double, is_missing, text


def one_hot_encoder(step: Any, columns: Sequence[Column], _sheet: Sheet) -> list[Column]:
    """Compile a OneHotEncoder; an unknown category is no category."""
    _refuse(step, "max_categories", None)
    _refuse(step, "min_frequency", None)
    if step.handle_unknown == "error":
        raise RefuseSpecError(
            "OneHotEncoder(handle_unknown='error') can't be compiled to SQL: a stream has to score every event; set handle_unknown='ignore'"
        )
    dropped = [None] * len(columns) if step.drop_idx_ is None else step.drop_idx_
    return [
        column.changed(f"if({_equals(column.sql, category)}, 1D, 0D)")
        for column, categories, drop in zip(columns, step.categories_, dropped, strict=True)
        for i, category in enumerate(categories)
        if i != drop
    ]


def ordinal_encoder(step: Any, columns: Sequence[Column], sheet: Sheet) -> list[Column]:
    """Compile an OrdinalEncoder; its codes are kept in columns, since trees test them often."""
    _refuse(step, "max_categories", None)
    _refuse(step, "min_frequency", None)
    if step.handle_unknown == "error":
        raise RefuseSpecError(
            "OrdinalEncoder(handle_unknown='error') can't be compiled to SQL: a stream has to score every event; set handle_unknown='use_encoded_value'"
        )
    return [
        sheet.kept(column.changed(_codes(step, column.sql, categories)))
        for column, categories in zip(columns, step.categories_, strict=True)
    ]


def _codes(step: Any, column: str, categories: Any) -> str:
    codes = [
        (category, step.encoded_missing_value if _is_nan(category) else i)
        for i, category in enumerate(categories)
    ]
    cases = " ".join(f"when {_equals(column, category)} then {double(code)}" for category, code in codes)
    return f"(case {cases} else {double(step.unknown_value)} end)"


def _equals(column: str, category: Any) -> str:
    """Return the test, which is never null: `if` and `case` take null for false."""
    if category is None:
        return f"{column} is null"
    if isinstance(category, str):
        return f"{column} = {text(category)}"
    return is_missing(column) if _is_nan(category) else f"{column} = {double(category)}"


def _is_nan(category: Any) -> bool:
    return isinstance(category, float | np.floating) and bool(np.isnan(category))


def _refuse(step: Any, option: str, value: Any) -> None:
    given = getattr(step, option)
    if given != value:
        raise RefuseSpecError(
            f"{type(step).__name__}({option}={given!r}) can't be compiled to SQL; leave it out"
        )
