"""A feature as plain data: what it keeps per key as native aggregates, and how its value follows as SQL."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from models.expressions import Expression

IS_EVENT: Final = "fraud is null"
"""Rows of the scored event type; late labels share the row shape and carry a verdict."""

IS_LABEL: Final = "fraud is not null"


@dataclass(frozen=True, eq=False)
class Accumulator:
    """One native aggregate over the events of a key.

    Parameters
    ----------
    template
        The aggregate as SQL. `{present}` stands for the rows that count, `{w}` for their decay weight, `{x}` for
        the argument, `{age}` for the time since the landmark in half-lives.
    rows
        SQL for the rows that count: `IS_EVENT`, `IS_LABEL`.
    argument
        What is aggregated; rows where it is null do not count.
    half_life_ms
        Milliseconds in which an event's weight halves; None without decay.
    state_bytes
        What it keeps per key, at most.
    """

    template: str
    rows: str = IS_EVENT
    argument: Expression | None = None
    half_life_ms: int | None = None
    state_bytes: int = 8


@dataclass(frozen=True, eq=False)
class Kept:
    """The last events of a key, newest first by event time.

    Parameters
    ----------
    count
        How many are kept.
    columns
        Name in the value's template -> what is kept of each event.
    """

    count: int
    columns: Mapping[str, Expression]


@dataclass(frozen=True, eq=False)
class Feature:
    """A named number per event.

    Parameters
    ----------
    name
        Unique within a model.
    entity
        The event field that names the key, or None for a feature of the row alone.
    kind
        What it measures; `models.reference` computes it by definition.
    value
        SQL; `{0}`, `{1}`, ... stand for the accumulators, `{w}` for the decay weight of the event, `{kept}` for
        the kept events, `{.name}` for a kept column, `{x}` and the like for the arguments.
    arguments
        Expressions over the present event.
    accumulators, kept
        What is kept per key.
    options
        `half_life_ms`, `within_ms`, `count`: what the kind needs to know.
    history_ms
        History before an event that the value needs at least, milliseconds.
    nulls
        "maybe" where it may be null although its arguments are not.
    helper
        Whether it is there for other features to read only: the estimator does not take it.
    """

    name: str
    entity: str | None
    kind: str
    value: str
    arguments: Mapping[str, Expression] = field(default_factory=dict)
    accumulators: tuple[Accumulator, ...] = ()
    kept: Kept | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    history_ms: int = 0
    nulls: str = "when an argument is"
    helper: bool = False
