"""ColumnTransformer: parts of the columns through transformers of their own, side by side."""

from collections.abc import Sequence
from typing import Any

from models.errors import RefuseSpecError
from models.estimators.sheet import Column, Sheet


def column_transformer(step: Any, columns: Sequence[Column], sheet: Sheet) -> list[Column]:
    """Compile a ColumnTransformer; columns by name, position, mask, slice or selector."""
    chosen = step._transformer_to_input_indices  # noqa: SLF001 - the resolved positions are kept nowhere else
    compiled: list[Column] = []
    for name, transformer, _ in step.transformers_:
        if isinstance(transformer, str) and transformer == "drop":
            continue
        compiled += sheet.transform(transformer, [columns[i] for i in chosen[name]])
    return compiled


def function_transformer(step: Any, columns: Sequence[Column], _sheet: Sheet) -> list[Column]:
    """Compile a FunctionTransformer that changes nothing: what `passthrough` becomes."""
    if step.func is not None:
        raise RefuseSpecError(
            "FunctionTransformer(func=...) can't be compiled to SQL: write what it computes as a row feature"
        )
    return list(columns)
