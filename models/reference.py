"""Features by their definition: event by event in Python, without SQL, landmarks or incremental state.

The check on the compiled form: what a feature means is written down here a second time, as directly as
possible. It looks at all earlier events of a key for each event, so it is for thousands of events, not millions.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from models.algebra import Feature
from models.events import Event, Label
from models.expressions import Expression
from models.features import SPREAD
from models.plan import compile_plan
from models.staging import steps_of

Value = float | None
Floats = npt.NDArray[np.float64]

_EARTH_KM: Final = 6371.0088
_DAY_MS: Final = 86_400_000


class _Row(dict[str, Any]):
    """The fields of an event and its features so far; a feature that is missing is computed when it is read."""

    compute: Callable[["_Row", str], Value]

    def __missing__(self, name: str) -> Value:
        self[name] = self.compute(self, name)
        return self[name]  # type: ignore[no-any-return] # set one line above


@dataclass
class _Seen:
    """What has arrived for one key, the present event included."""

    events: list[_Row]
    labels: list[Label]


def by_definition(
    event_type: type[Event],
    features: Sequence[Feature],
    arrived: Sequence[Event],
    order: Callable[[str, int], Sequence[Event]] | None = None,
) -> dict[str, dict[str, Value]]:
    """Return the features of every scored event, by event id.

    Parameters
    ----------
    event_type
        What is scored.
    features
        As declared.
    arrived
        Events of that type and labels, in the order of arrival.
    order
        Returns the order in which the stage of a key saw them in the window with this start, where it differs.
    """
    windows = compile_plan(event_type, features).windows
    starts = {windows.start(e.event_time) for e in arrived}
    results: dict[str, dict[str, Value]] = {}
    for start in starts:
        inside = frozenset(
            e.event_id + type(e).__name__
            for e in arrived
            if start <= e.event_time < start + windows.length_ms
        )
        rows = _window(event_type, features, arrived, _in_window(order, start, arrived), inside)
        for event_id, row in rows.items():
            if windows.start(row["event_time"]) == start:
                results[event_id] = {f.name: row[f.name] for f in features}
    return results


def _in_window(
    order: Callable[[str, int], Sequence[Event]] | None, start: int, arrived: Sequence[Event]
) -> Callable[[str], Sequence[Event]]:
    return (lambda _: arrived) if order is None else (lambda key: order(key, start))


def _window(
    event_type: type[Event],
    features: Sequence[Feature],
    arrived: Sequence[Event],
    order: Callable[[str], Sequence[Event]],
    inside: frozenset[str],
) -> dict[str, _Row]:
    by_name = {f.name: f for f in features}
    rows: dict[str, _Row] = {}
    for event in arrived:
        if isinstance(event, event_type) and event.event_id + type(event).__name__ in inside:
            row = _Row({name: getattr(event, name) for name in event.__struct_fields__})
            row.compute = lambda self, name: by_name[name].arguments["x"].evaluate(self)
            rows[event.event_id] = row
    for key, own in steps_of(event_type.key_field, features):
        seen: dict[str, _Seen] = defaultdict(lambda: _Seen([], []))
        for event in order(key):
            if event.event_id + type(event).__name__ not in inside:
                continue
            if isinstance(event, Label):
                seen[getattr(event, key)].labels.append(event)
            else:
                _take(rows[event.event_id], seen[getattr(event, key)], own)
    return rows


def _take(row: _Row, seen: _Seen, features: Sequence[Feature]) -> None:
    seen.events.append(row)
    by_name = {f.name: f for f in features}
    of_row = row.compute

    def compute(row: _Row, name: str) -> Value:
        return (
            _MEASURES[by_name[name].kind](by_name[name], row, seen) if name in by_name else of_row(row, name)
        )

    row.compute = compute
    for feature in features:
        row[feature.name]
    row.compute = of_row


def _weights(times: Sequence[int], row: _Row, feature: Feature) -> Floats:
    ages = row["event_time"] - np.array(times, dtype=np.float64)
    weights: Floats = np.exp2(-ages / feature.options["half_life_ms"])
    return weights


def _weighted(feature: Feature, row: _Row, seen: _Seen) -> tuple[Floats, Floats, Floats]:
    """Return weights, values and times of the events that have a value."""
    x = feature.arguments["x"]
    pairs = [(r["event_time"], v) for r in seen.events if (v := x.evaluate(r)) is not None]
    times, values = [t for t, _ in pairs], np.array([v for _, v in pairs], dtype=np.float64)
    return _weights(times, row, feature), values, np.array(times, dtype=np.float64)


def _count(feature: Feature, row: _Row, seen: _Seen) -> Value:
    return float(_weights([r["event_time"] for r in seen.events], row, feature).sum())


def _sum(feature: Feature, row: _Row, seen: _Seen) -> Value:
    weights, values, _ = _weighted(feature, row, seen)
    return float(weights @ values)


def _mean(feature: Feature, row: _Row, seen: _Seen) -> Value:
    weights, values, _ = _weighted(feature, row, seen)
    return float(weights @ values / weights.sum()) if len(values) else None


def _variance(feature: Feature, row: _Row, seen: _Seen) -> Value:
    weights, values, _ = _weighted(feature, row, seen)
    if not len(values):
        return None
    mean = weights @ values / weights.sum()
    return float(weights @ (values - mean) ** 2 / weights.sum())


def _deviation(feature: Feature, row: _Row, seen: _Seen) -> Value:
    variance = _variance(feature, row, seen)
    return None if variance is None else math.sqrt(variance)


def _rate(feature: Feature, row: _Row, seen: _Seen) -> Value:
    count = _count(feature, row, seen)
    assert count is not None
    return count * math.log(2) * _DAY_MS / float(feature.options["half_life_ms"])


def _slope(feature: Feature, row: _Row, seen: _Seen) -> Value:
    weights, values, times = _weighted(feature, row, seen)
    if not len(values):
        return None
    ages = (times - row["event_time"]) / feature.options["half_life_ms"]
    share = weights / weights.sum()
    ages = ages - share @ ages
    spread = share @ ages**2
    return float(share @ (ages * (values - share @ values)) / spread) if spread >= SPREAD**2 else None


def _behind(feature: Feature, row: _Row, seen: _Seen) -> Value:  # noqa: ARG001 - one shape for all
    newest = max(int(r["event_time"]) for r in seen.events)
    return (newest - int(row["event_time"])) / 1000


def _labels(feature: Feature, row: _Row, seen: _Seen) -> Value:
    return float(_weights([x.event_time for x in seen.labels], row, feature).sum())


def _frauds(feature: Feature, row: _Row, seen: _Seen) -> Value:
    return float(_weights([x.event_time for x in seen.labels if x.fraud], row, feature).sum())


def _risk(feature: Feature, row: _Row, seen: _Seen) -> Value:
    labels, frauds = _labels(feature, row, seen), _frauds(feature, row, seen)
    assert labels is not None
    assert frauds is not None
    return frauds / labels if labels else 0.0


def _distinct(feature: Feature, row: _Row, seen: _Seen) -> Value:  # noqa: ARG001 - one shape for all
    values = {feature.arguments["x"].evaluate(r) for r in seen.events}
    return float(len(values - {None}))


def _order(row: _Row) -> tuple[int, str]:
    return row["event_time"], row["event_id"]


def _up_to(feature: Feature, row: _Row, seen: _Seen) -> list[_Row]:
    """Return the kept events that are not later than this one, in their order."""
    kept = sorted(seen.events, key=_order)[-feature.options["count"] :]
    return [r for r in kept if _order(r) <= _order(row)]


def _within(feature: Feature, row: _Row, seen: _Seen) -> list[_Row]:
    since = row["event_time"] - feature.options["within_ms"]
    return [r for r in _up_to(feature, row, seen) if r["event_time"] > since]


def _recent_values(feature: Feature, row: _Row, seen: _Seen) -> list[Any]:
    values = (feature.arguments["x"].evaluate(r) for r in _within(feature, row, seen))
    return [v for v in values if v is not None]


def _of_recent(apply: Callable[[list[Any]], float], empty: Value) -> Callable[[Feature, _Row, _Seen], Value]:
    def measure(feature: Feature, row: _Row, seen: _Seen) -> Value:
        values = _recent_values(feature, row, seen)
        return float(apply(values)) if values else empty

    return measure


def _previous_row(feature: Feature, row: _Row, seen: _Seen) -> _Row | None:
    earlier = [r for r in _up_to(feature, row, seen) if _order(r) < _order(row)]
    return earlier[-1] if earlier else None


def _at_previous(feature: Feature, name: str, row: _Row, seen: _Seen) -> Value:
    previous = _previous_row(feature, row, seen)
    return None if previous is None else _float(feature.arguments[name], previous)


def _previous(feature: Feature, row: _Row, seen: _Seen) -> Value:
    return _at_previous(feature, "x", row, seen)


def _change(feature: Feature, row: _Row, seen: _Seen) -> Value:
    now, before = _float(feature.arguments["x"], row), _at_previous(feature, "x", row, seen)
    return None if now is None or before is None else now - before


def _since(feature: Feature, row: _Row, seen: _Seen) -> Value:
    previous = _previous_row(feature, row, seen)
    return None if previous is None else (row["event_time"] - previous["event_time"]) / 1000


def _distance(feature: Feature, row: _Row, seen: _Seen) -> Value:
    here = [_float(feature.arguments[n], row) for n in ("latitude", "longitude")]
    there = [_at_previous(feature, n, row, seen) for n in ("latitude", "longitude")]
    places = [math.radians(x) for x in (*here, *there) if x is not None]
    if len(places) < len(here) + len(there):
        return None
    lat, lon, lat0, lon0 = places
    chord = math.sin((lat - lat0) / 2) ** 2 + math.cos(lat) * math.cos(lat0) * math.sin((lon - lon0) / 2) ** 2
    return 2 * _EARTH_KM * math.asin(math.sqrt(min(chord, 1.0)))


def _speed(feature: Feature, row: _Row, seen: _Seen) -> Value:
    distance, seconds = _distance(feature, row, seen), _since(feature, row, seen)
    return distance * 3600 / seconds if distance is not None and seconds else None


def _float(expression: Expression, row: _Row) -> Value:
    value = expression.evaluate(row)
    return None if value is None else float(value)


def _recent_count(feature: Feature, row: _Row, seen: _Seen) -> Value:
    return float(len(_within(feature, row, seen)))


_MEASURES: Final[dict[str, Callable[[Feature, _Row, _Seen], Value]]] = {
    "count": _count,
    "sum": _sum,
    "mean": _mean,
    "variance": _variance,
    "deviation": _deviation,
    "rate": _rate,
    "slope": _slope,
    "behind": _behind,
    "risk": _risk,
    "frauds": _frauds,
    "labels": _labels,
    "distinct": _distinct,
    "recent_count": _recent_count,
    "recent_sum": _of_recent(sum, 0.0),
    "recent_mean": _of_recent(lambda values: sum(values) / len(values), None),
    "recent_min": _of_recent(min, None),
    "recent_max": _of_recent(max, None),
    "recent_distinct": _of_recent(lambda values: len(set(values)), 0.0),
    "previous": _previous,
    "change": _change,
    "since": _since,
    "distance": _distance,
    "speed": _speed,
}
