"""The feature algebra: what a feature keeps per key, and how its value follows from that.

A feature over an entity is a pair (lift, lower): accumulators, each one native aggregate over the events of a
key, and a value computed from them and the present event. The same accumulators run as a streaming
aggregate and, over history, as window functions. Decay is forward decay over landmark windows
(`models.windows`): the weight of an event is 2**((t - landmark) / half_life).
"""

from dataclasses import dataclass
from typing import Final

from models.errors import RefuseSpecError
from models.expressions import Expression

IS_EVENT: Final = "fraud is null"
"""Rows of the scored event type; late labels share the row shape and carry a verdict."""

IS_LABEL: Final = "fraud is not null"


@dataclass(frozen=True)
class Accumulator:
    """One native aggregate over the events of a key.

    Parameters
    ----------
    sql
        The aggregate, over the columns of the row; `{w}` stands for the decay weight of `half_life_ms`.
    half_life_ms
        Milliseconds in which an event's weight halves.
    fields
        The event fields that it reads.
    """

    sql: str
    half_life_ms: int
    fields: frozenset[str]


@dataclass(frozen=True)
class Feature:
    """A named number per event.

    Parameters
    ----------
    name
        Unique within a model.
    entity
        The event field that names the key, or `None` for a feature of the row alone.
    value
        SQL; `{0}`, `{1}`, ... stand for the accumulators, `{w}` for the decay weight of the event.
    accumulators
        What is kept per key.
    fields
        The event fields that the value reads.
    """

    name: str
    entity: str | None
    value: str
    accumulators: tuple[Accumulator, ...] = ()
    fields: frozenset[str] = frozenset()


def row(name: str, expression: Expression) -> Feature:
    """Return a feature of the event alone."""
    number = expression.as_number()
    return Feature(name, None, number.sql, fields=number.fields)


@dataclass(frozen=True)
class Entity:
    """What a key names (a card, a terminal): features over its events.

    Parameters
    ----------
    key
        The event field that holds the key.
    """

    key: str

    def count(self, name: str, *, half_life_ms: int) -> Feature:
        """Return the decayed number of events, this one included."""
        weights = Accumulator(
            f"sum(case when {IS_EVENT} then {{w}} else 0D end)", _positive(half_life_ms), frozenset()
        )
        return Feature(name, self.key, "{0} / {w}", (weights,))

    def mean(self, name: str, expression: Expression, *, half_life_ms: int) -> Feature:
        """Return the decayed mean of an expression, this event included; null before the first value."""
        number, decay = expression.as_number(), _positive(half_life_ms)
        present = f"{IS_EVENT} and {number.sql} is not null" if number.nullable else IS_EVENT
        total = Accumulator(
            f"sum(case when {present} then {{w}} * {number.sql} else 0D end)", decay, number.fields
        )
        weights = Accumulator(f"sum(case when {present} then {{w}} else 0D end)", decay, number.fields)
        return Feature(name, self.key, "try_divide({0}, {1})", (total, weights))

    def risk(self, name: str, *, half_life_ms: int) -> Feature:
        """Return the decayed share of fraud among the labels that have arrived; 0 before the first label."""
        decay = _positive(half_life_ms)
        fraud = Accumulator("sum(case when fraud then {w} else 0D end)", decay, frozenset())
        labels = Accumulator(f"sum(case when {IS_LABEL} then {{w}} else 0D end)", decay, frozenset())
        return Feature(name, self.key, "coalesce(try_divide({0}, {1}), 0D)", (fraud, labels))


def _positive(half_life_ms: int) -> int:
    if half_life_ms <= 0:
        raise RefuseSpecError(f"a half-life must be above 0 ms, not {half_life_ms}")
    return half_life_ms
