"""Fitted scikit-learn estimators compiled to Spark SQL text, float64 throughout: one module per family."""

from models.estimators.compiling import compile_estimator

__all__ = ["compile_estimator"]
