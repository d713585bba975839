"""The feature algebra: what a feature keeps per key, and how its value follows from that.

A feature over an entity is a pair (lift, lower): accumulators, each one native aggregate over the events of a
key, and a value computed from them and the present event. The same accumulators run as a streaming
aggregate and, over history, as window functions. Decay is forward decay over landmark windows
(`models.windows`): the weight of an event is 2**((t - landmark) / half_life).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from models.errors import RefuseSpecError
from models.expressions import Expression
from models.expressions import feature as feature_of

IS_EVENT: Final = "fraud is null"
"""Rows of the scored event type; late labels share the row shape and carry a verdict."""

IS_LABEL: Final = "fraud is not null"

MAX_RECENT: Final = 200
"""Most events that may be kept per key."""

HLL_PRECISION: Final = 10
"""Base-2 logarithm of the registers of a distinct count: 1,024 bytes, 3 % standard error."""

NO_VARIANCE: Final = 1e-12
"""A variance below this share of the mean square is rounding: it is 0."""

SPREAD: Final = 0.1
"""A slope is null while its times spread (weighted standard deviation) over less than so many half-lives."""

_DAY_MS: Final = 86_400_000


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
        value = f"{{0}} / {{w}} * (ln(2D) * {_DAY_MS}D / {half_life_ms}D)"
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

    def recent(self, count: int, *, history_ms: int = _DAY_MS) -> "Recent":
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


@dataclass(frozen=True)
class Recent:
    """Features over the last `count` events of a key, by event time; events at the same time by their id.

    An event that arrives late sees the kept events up to its own time. A window holds what lies less than
    `within_ms` before the event, and never more than `count` events.

    Parameters
    ----------
    key
        The event field that holds the key.
    size
        How many events are kept.
    history_ms
        How long ago the previous event may be, milliseconds.
    """

    key: str
    size: int
    history_ms: int = _DAY_MS

    def count(self, name: str, *, within_ms: int) -> Feature:
        """Return the number of kept events within the window."""
        return self._within(name, "recent_count", _fold("0D", "a + 1D"), None, within_ms)

    def sum(self, name: str, expression: Expression, *, within_ms: int) -> Feature:
        """Return the sum of an expression within the window; nulls do not count."""
        return self._within(name, "recent_sum", _SUM, expression, within_ms)

    def mean(self, name: str, expression: Expression, *, within_ms: int) -> Feature:
        """Return the mean of an expression within the window; null without a value."""
        number = _fold("0D", "a + if(e.{.x} is null, 0D, 1D)")
        return self._within(name, "recent_mean", f"try_divide({_SUM}, {number})", expression, within_ms)

    def min(self, name: str, expression: Expression, *, within_ms: int) -> Feature:
        """Return the smallest value within the window; null without a value."""
        value = _fold("cast(null as double)", "least(a, e.{.x})")
        return self._within(name, "recent_min", value, expression, within_ms)

    def max(self, name: str, expression: Expression, *, within_ms: int) -> Feature:
        """Return the largest value within the window; null without a value."""
        value = _fold("cast(null as double)", "greatest(a, e.{.x})")
        return self._within(name, "recent_max", value, expression, within_ms)

    def distinct(self, name: str, expression: Expression, *, within_ms: int) -> Feature:
        """Return the number of distinct values within the window, exactly; nulls do not count."""
        values = f"transform(filter({{kept}}, e -> {_WITHIN} and e.{{.x}} is not null), e -> e.{{.x}})"
        value = f"cast(size(array_distinct({values})) as double)"
        return self._within(name, "recent_distinct", value, expression, within_ms)

    def previous(self, name: str, expression: Expression) -> Feature:
        """Return an expression's value at the previous event of the key; null at the first."""
        return self._before(name, "previous", f"{_PREVIOUS}.{{.x}}", {"x": expression.as_number()})

    def change(self, name: str, expression: Expression) -> Feature:
        """Return the present value less the one at the previous event; null at the first."""
        return self._before(name, "change", f"{{x}} - {_PREVIOUS}.{{.x}}", {"x": expression.as_number()})

    def since(self, name: str) -> Feature:
        """Return the seconds since the previous event of the key; null at the first."""
        return self._before(name, "since", _SINCE, {})

    def distance(self, name: str, latitude: Expression, longitude: Expression) -> Feature:
        """Return the great-circle distance from the previous event's place in km (haversine, radius 6371.0088)."""
        return self._before(name, "distance", _DISTANCE, _place(latitude, longitude))

    def speed(self, name: str, latitude: Expression, longitude: Expression) -> Feature:
        """Return the speed from the previous event's place in km/h; null at the first event and for no time."""
        value = f"try_divide({_DISTANCE} * 3600D, {_SINCE})"
        return self._before(name, "speed", value, _place(latitude, longitude))

    def _within(
        self, name: str, kind: str, value: str, expression: Expression | None, within_ms: int
    ) -> Feature:
        if within_ms <= 0:
            raise RefuseSpecError(f"feature {name!r}: a window must be above 0 ms, not {within_ms}")
        text = kind == "recent_distinct" and expression is not None and expression.kind == "text"
        x = {} if expression is None else {"x": expression if text else expression.as_number()}
        return Feature(
            name,
            self.key,
            kind,
            value,
            x,
            kept=Kept(self.size, x),
            options={"within_ms": within_ms, "count": self.size},
            history_ms=within_ms,
            nulls="maybe" if kind in ("recent_mean", "recent_min", "recent_max") else "never",
        )

    def _before(self, name: str, kind: str, value: str, arguments: dict[str, Expression]) -> Feature:
        kept = Kept(max(self.size, 2), arguments)
        options = {"count": kept.count}
        return Feature(
            name,
            self.key,
            kind,
            value,
            arguments,
            kept=kept,
            options=options,
            history_ms=self.history_ms,
            nulls="maybe",
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

_UP_TO_NOW: Final = "(e.t < event_time or (e.t = event_time and e.id <= event_id))"
_BEFORE: Final = "(e.t < event_time or (e.t = event_time and e.id < event_id))"
_WITHIN: Final = f"(e.t > event_time - {{within_ms}} and {_UP_TO_NOW})"
_IN_ORDER: Final = "(get({kept}, 0).id = event_id and not get({kept}, 1).id <=> event_id)"
_PREVIOUS: Final = f"if({_IN_ORDER}, get({{kept}}, 1), get(filter({{kept}}, e -> {_BEFORE}), 0))"
_SINCE: Final = f"((event_time - {_PREVIOUS}.t) / 1000D)"
_HAVERSINE: Final = (
    f"(pow(sin(radians({{latitude}} - {_PREVIOUS}.{{.latitude}}) / 2D), 2D) + cos(radians({{latitude}}))"
    f" * cos(radians({_PREVIOUS}.{{.latitude}})) * pow(sin(radians({{longitude}} - {_PREVIOUS}.{{.longitude}}) / 2D), 2D))"
)
_DISTANCE: Final = f"(2D * 6371.0088D * asin(sqrt(if({_HAVERSINE} > 1D, 1D, {_HAVERSINE}))))"


def _fold(start: str, step: str) -> str:
    return f"aggregate({{kept}}, {start}, (a, e) -> if({_WITHIN}, {step}, a))"


_SUM: Final = _fold("0D", "a + coalesce(e.{.x}, 0D)")


def _place(latitude: Expression, longitude: Expression) -> dict[str, Expression]:
    return {"latitude": latitude.as_number(), "longitude": longitude.as_number()}
