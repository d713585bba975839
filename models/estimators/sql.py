"""SQL text of numbers, tables and sums."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

NAN = "double('NaN')"
_SUMMANDS = 8


def double(value: Any) -> str:
    """Return a double literal, the very same float64."""
    number = float(value)
    if np.isfinite(number):
        return f"{number!r}D" if number >= 0 else f"({number!r}D)"
    return f"double('{number}')".replace("inf", "Infinity").replace("nan", "NaN")


def text(value: str) -> str:
    """Return a string literal."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def is_missing(column: str) -> str:
    """Return the test that scikit-learn calls missing: null or NaN."""
    return f"({column} is null or isnan({column}))"


def table(values: Iterable[Any], index: str) -> str:
    """Return the look-up of a double by a zero-based column `index`.

    One string literal that Spark folds to an array: a literal per number would be an expression per number,
    visited by every rule of every planning. No look-up is null; saying so spares a check per addition.
    """
    return f"coalesce(cast(split('{','.join(repr(float(v)) for v in values)}', ',') as array<double>)[{index}], 0D)"


def total(terms: Sequence[str]) -> str:
    """Return a sum as a shallow tree: Spark visits expressions by recursion."""
    level = list(terms) or ["0D"]
    while len(level) > 1:
        level = [
            f"({' + '.join(level[i : i + _SUMMANDS])})" if len(level[i : i + _SUMMANDS]) > 1 else level[i]
            for i in range(0, len(level), _SUMMANDS)
        ]
    return level[0]


def in_order(terms: Sequence[str]) -> str:
    """Return a sum that is added from the left, as a loop does: the very same float64."""
    return f"({' + '.join(terms)})"


def weighted(terms: Iterable[tuple[float, str]]) -> str:
    """Return a sum of `weight * sql`."""
    return total([f"{double(w)} * {sql}" for w, sql in terms])


def logistic(margin: str) -> str:
    """Return the probability of log-odds."""
    return f"(1D / (1D + exp(-({margin}))))"
