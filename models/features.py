"""The feature algebra: what a feature keeps per key, and how its value follows from that.

A feature over an entity is a pair (lift, lower): accumulators, each one native aggregate over the events of a
key, and a value computed from them and the present event. The same accumulators run as a streaming
aggregate and, over history, as window functions. Decay is forward decay over landmark windows
(`models.windows`): the weight of an event is 2**((t - landmark) / half_life).
"""

from dataclasses import dataclass, replace
from typing import Final

from models.algebra import IS_EVENT, IS_LABEL, Accumulator, Feature
from models.errors import RefuseSpecError
from models.expressions import Expression
from models.expressions import feature as feature_of
from models.recent import DAY_MS, MAX_RECENT, Recent

__all__ = ["Entity", "Feature", "Recent", "helper", "ratio", "row"]

HLL_PRECISION: Final = 10
"""Base-2 logarithm of the registers of a distinct count: 1,024 bytes, 3 % standard error."""

NO_VARIANCE: Final = 1e-12
"""A variance below this share of the mean square is rounding: it is 0."""

SPREAD: Final = 0.1
"""A slope is null while its times spread (weighted standard deviation) over less than so many half-lives."""


def helper(feature: Feature) -> Feature:
    """Return the feature for other features to read: the estimator does not take it, and no score names it."""
    return replace(feature, helper=True)


def row(name: str, expression: Expression) -> Feature:
    """Return a feature of the event alone, or of other features."""
    return Feature(name, None, "row", "{x}", {"x": expression.as_number()})


def ratio(name: str, dividend: str, divisor: str) -> Feature:
    """Return the ratio of two other features, by name; null where the divisor is 0 or either is null."""
    return row(name, feature_of(dividend) / feature_of(divisor))


@dataclass(frozen=True)
class Entity:
    """What a key names (a card, a terminal): features over its events.

    Every feature includes the present event. A decayed one weighs each event by 2**(-age / half_life).

    Parameters
    ----------
    key
        The event field that holds the key.
    """

    key: str

    def count(self, name: str, *, half_life_ms: int) -> Feature:
        """Return the decayed number of events."""
        return self._decayed(name, "count", "{0} / {w}", (_WEIGHTS,), None, half_life_ms)

    def sum(self, name: str, expression: Expression, *, half_life_ms: int) -> Feature:
        """Return the decayed sum of an expression; nulls do not count."""
        return self._decayed(name, "sum", "{0} / {w}", (_TOTAL,), expression, half_life_ms)

    def mean(self, name: str, expression: Expression, *, half_life_ms: int) -> Feature:
        """Return the decayed mean of an expression; null before the first value."""
        return self._decayed(
            name, "mean", "try_divide({0}, {1})", (_TOTAL, _WEIGHTS), expression, half_life_ms
        )

    def variance(self, name: str, expression: Expression, *, half_life_ms: int) -> Feature:
        """Return the decayed variance (of the population) of an expression; null before the first value.

        It is the mean square less the squared mean: with a mean of m and a variance of v it is exact to
        about m**2 / v * 1e-16. Subtract a typical value in the expression where that matters.
        """
        return self._decayed(
            name, "variance", _VARIANCE, (_TOTAL, _WEIGHTS, _SQUARES), expression, half_life_ms
        )

    def deviation(self, name: str, expression: Expression, *, half_life_ms: int) -> Feature:
        """Return the decayed standard deviation of an expression; see `variance`."""
        value = f"sqrt({_VARIANCE})"
        return self._decayed(name, "deviation", value, (_TOTAL, _WEIGHTS, _SQUARES), expression, half_life_ms)

    def rate(self, name: str, *, half_life_ms: int) -> Feature:
        """Return the decayed number of events per day: the count times ln 2 / half-life."""
        value = f"{{0}} / {{w}} * (ln(2D) * {DAY_MS}D / {half_life_ms}D)"
        return self._decayed(name, "rate", value, (_WEIGHTS,), None, half_life_ms)

    def slope(self, name: str, expression: Expression, *, half_life_ms: int) -> Feature:
        """Return the slope per half-life of the decayed least-squares line of an expression over time.

        Null while the times spread (weighted standard deviation) over less than a tenth of a half-life.
        """
        moments = (_TOTAL, _WEIGHTS, _AGES, _AGES_SQUARED, _TOTAL_AGES)
        return self._decayed(name, "slope", _SLOPE, moments, expression, half_life_ms)

    def behind(self, name: str) -> Feature:
        """Return how many seconds the event is older than the newest of the key so far: late, or a clock that jumped back."""
        newest = Accumulator("max(case when {present} then event_time end)")
        return Feature(name, self.key, "behind", "(({0} - event_time) / 1000D)", {}, (newest,), nulls="never")

    def risk(self, name: str, *, half_life_ms: int) -> Feature:
        """Return the decayed share of fraud among the labels that have arrived; 0 before the first label."""
        value = "coalesce(try_divide({0}, {1}), 0D)"
        return self._decayed(name, "risk", value, (_FRAUDS, _LABELS), None, half_life_ms)

    def frauds(self, name: str, *, half_life_ms: int) -> Feature:
        """Return the decayed number of labels that say fraud."""
        return self._decayed(name, "frauds", "{0} / {w}", (_FRAUDS,), None, half_life_ms)

    def labels(self, name: str, *, half_life_ms: int) -> Feature:
        """Return the decayed number of labels."""
        return self._decayed(name, "labels", "{0} / {w}", (_LABELS,), None, half_life_ms)

    def distinct(self, name: str, expression: Expression) -> Feature:
        """Return the number of distinct values since the window's start, by a HyperLogLog sketch.

        The window holds at least the history that the model's other features need, and up to five times as
        much. Standard error 3 %, exact while there are few. Sketch: Apache DataSketches' HLL_8.
        """
        x = expression if expression.kind == "text" else expression.as_number()
        sketch = Accumulator(
            f"hll_sketch_agg(case when {{present}} then cast({{x}} as string) end, {HLL_PRECISION})",
            argument=x,
            state_bytes=2**HLL_PRECISION + 40,
        )
        value = "coalesce(cast(hll_sketch_estimate({0}) as double), 0D)"
        return Feature(name, self.key, "distinct", value, {"x": x}, (sketch,), nulls="never")

    def recent(self, count: int, *, history_ms: int = DAY_MS) -> Recent:
        """Return features over the last so many events of the key, by event time.

        Parameters
        ----------
        count
            How many events are kept.
        history_ms
            How long ago the previous event may be, milliseconds, to be surely known.

        Raises
        ------
        RefuseSpecError
            When the count is below 1 or above `MAX_RECENT`, or the history is none.
        """
        if not 1 <= count <= MAX_RECENT:
            raise RefuseSpecError(f"recent takes 1 to {MAX_RECENT} events, not {count}")
        if history_ms <= 0:
            raise RefuseSpecError(f"a history must be above 0 ms, not {history_ms}")
        return Recent(self.key, count, history_ms)

    def _decayed(  # noqa: PLR0917 - one line per decayed feature above
        self,
        name: str,
        kind: str,
        value: str,
        accumulators: tuple[Accumulator, ...],
        expression: Expression | None,
        half_life_ms: int,
    ) -> Feature:
        if half_life_ms <= 0:
            raise RefuseSpecError(f"feature {name!r}: a half-life must be above 0 ms, not {half_life_ms}")
        x = None if expression is None else expression.as_number()
        kept = tuple(
            Accumulator(a.template, a.rows, x if a.rows == IS_EVENT else None, half_life_ms)
            for a in accumulators
        )
        return Feature(
            name,
            self.key,
            kind,
            value,
            {} if x is None else {"x": x},
            kept,
            options={"half_life_ms": half_life_ms},
            nulls="maybe" if kind == "slope" else "never" if kind in _NEVER_NULL else "when an argument is",
        )


_NEVER_NULL: Final = ("count", "sum", "rate", "risk", "frauds", "labels")

_WEIGHTS: Final = Accumulator("sum(case when {present} then {w} else 0D end)")
_TOTAL: Final = Accumulator("sum(case when {present} then {w} * {x} else 0D end)")
_SQUARES: Final = Accumulator("sum(case when {present} then {w} * {x} * {x} else 0D end)")
_AGES: Final = Accumulator("sum(case when {present} then {w} * {age} else 0D end)")
_AGES_SQUARED: Final = Accumulator("sum(case when {present} then {w} * {age} * {age} else 0D end)")
_TOTAL_AGES: Final = Accumulator("sum(case when {present} then {w} * {age} * {x} else 0D end)")
_FRAUDS: Final = Accumulator("sum(case when {present} and fraud then {w} else 0D end)", IS_LABEL)
_LABELS: Final = Accumulator("sum(case when {present} then {w} else 0D end)", IS_LABEL)

_MEAN_SQUARE: Final = "try_divide({2}, {1})"
_RAW_VARIANCE: Final = f"({_MEAN_SQUARE} - pow(try_divide({{0}}, {{1}}), 2D))"
_VARIANCE: Final = f"if({_RAW_VARIANCE} < {NO_VARIANCE!r}D * {_MEAN_SQUARE}, 0D, {_RAW_VARIANCE})"
_AGE_VARIANCE: Final = "(try_divide({3}, {1}) - pow(try_divide({2}, {1}), 2D))"
_SLOPE: Final = (
    f"(case when {_AGE_VARIANCE} >= {SPREAD**2!r}D then "
    f"(try_divide({{4}}, {{1}}) - try_divide({{0}}, {{1}}) * try_divide({{2}}, {{1}})) / {_AGE_VARIANCE} end)"
)
