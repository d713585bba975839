"""An estimator that can't be SQL, as text: what the Python lane scores by. Nothing in it is unpickled."""

from typing import Final

import msgspec

from models.compiled import Compiled

SCORE: Final = "python_score"
"""Stands for the lane's score where a compiled estimator has its SQL."""

COMPILED: Final = Compiled(layers=[], score=SCORE, contributions={})
"""What the query sees of such an estimator: a column that is there already."""


class ByPython(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fitted estimator.

    Attributes
    ----------
    reason
        Why it could not be compiled.
    trusted
        The types that it consists of, besides those that are always trusted.
    data
        The estimator by `skops`, base64.
    """

    reason: str
    trusted: list[str]
    data: str


class Task(msgspec.Struct, frozen=True):
    """One estimator's work in the lane.

    Attributes
    ----------
    column
        The score's column.
    features
        The columns of its features by name.
    """

    column: str
    estimator: ByPython
    features: dict[str, str]


def column_of(number: int) -> str:
    """Return the column that holds the score of the scorer with this number."""
    return f"python_{number}"
