"""Features over the last events of a key: what is kept of them, and what is folded over a time before the present one."""

from dataclasses import dataclass
from typing import Final

from models.algebra import Feature, Kept
from models.errors import RefuseSpecError
from models.expressions import Expression

MAX_RECENT: Final = 200
"""Most events that may be kept per key."""

DAY_MS: Final = 86_400_000


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
    history_ms: int = DAY_MS

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
