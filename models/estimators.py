"""Fitted scikit-learn estimators compiled to Spark SQL text, float64 throughout."""

from collections.abc import Sequence
from typing import Any

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from models.compiled import Compiled
from models.errors import RefuseSpecError


def compile_estimator(estimator: Any, features: Sequence[str]) -> Compiled:
    """Return the estimator as SQL for the probability of the positive class.

    Parameters
    ----------
    estimator
        A fitted `LogisticRegression` of two classes, or a `Pipeline` of `StandardScaler` steps that ends in one.
    features
        The columns that the estimator was fitted on, by name.

    Raises
    ------
    RefuseSpecError
        When a step can't be compiled, naming it.
    """
    steps = [step for _, step in estimator.steps] if isinstance(estimator, Pipeline) else [estimator]
    columns = list(features)
    for step in steps[:-1]:
        columns = _transform(step, columns)
    return Compiled(layers=[], score=_probability(steps[-1], columns), contributions={})


def _transform(step: Any, columns: list[str]) -> list[str]:
    if isinstance(step, StandardScaler):
        means = step.mean_ if step.with_mean else [0.0] * len(columns)
        scales = step.scale_ if step.with_std else [1.0] * len(columns)
        return [
            f"(({c} - {_double(m)}) / {_double(s)})" for c, m, s in zip(columns, means, scales, strict=True)
        ]
    raise RefuseSpecError(f"{type(step).__name__} can't be compiled to SQL as a transformer")


def _probability(step: Any, columns: list[str]) -> str:
    if isinstance(step, LogisticRegression):
        if step.coef_.shape[0] != 1:
            raise RefuseSpecError(f"LogisticRegression has {len(step.classes_)} classes; two can be compiled")
        terms = [f"{_double(w)} * {c}" for w, c in zip(step.coef_[0], columns, strict=True)]
        return f"(1D / (1D + exp(-({' + '.join([*terms, _double(step.intercept_[0])])}))))"
    raise RefuseSpecError(f"{type(step).__name__} can't be compiled to SQL as a classifier")


def _double(value: float) -> str:
    return f"({float(value)!r}D)"
