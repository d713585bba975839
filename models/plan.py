"""The plan: a model's features compiled to Spark SQL text, stage by stage. Plain data, so that it travels in an artifact.

Rows enter as events and labels in one shape; each stage keys them by one entity, adds what it keeps per key
and the values that follow. Stream and history run the same text (`processing.stages`).
"""

import math
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from models.algebra import IS_EVENT, IS_LABEL, Accumulator, Feature
from models.checking import check_features, check_only, measurements_of, nullable_features
from models.events import Event
from models.expressions import Expression, measured_column, measured_sql, quoted
from models.schema import says
from models.staging import steps_of
from models.windows import LandmarkWindows, landmark_windows

_DAY_MS: Final = 86_400_000

NO_CONDITION: Final[Mapping[str, str]] = MappingProxyType({})

_PLAIN: Final = re.compile(r"[A-Za-z0-9_. -]+")

AGAIN: Final = "is_again"
"""Column of a plan whose events count once: whether the row's event or label came before."""

WINDOW_START: Final = "unix_millis(win.start)"
"""The landmark of a row, in milliseconds since the epoch."""


class Stage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One keyed step.

    Attributes
    ----------
    key
        The column that holds the key.
    accumulators
        Column -> native aggregate, kept per key and window.
    counters
        Column -> how many events and labels the key has seen in this window: evidence of the order of arrival.
    values
        Feature -> SQL over the accumulators and the row.
    """

    key: str
    accumulators: dict[str, str]
    counters: dict[str, str]
    values: dict[str, str]


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that a query needs to turn events into features.

    Attributes
    ----------
    entity
        The event field that alarms are raised on.
    fields
        The scored event's own fields, kept beside its score.
    inputs
        Column -> SQL over the fields, computed once and shared by all stages: decay weights and measurements.
    stages
        Keyed steps in order; the first one's key is the Kafka key.
    row_values
        Feature -> SQL over the row alone.
    features
        Names in the order in which the estimator takes them.
    stride_ms, overlap_ms
        The landmark windows, milliseconds.
    only
        Text fields and the values that events must have to be seen at all.
    once
        True where an event or label counts once, however often it comes; else unset, as in plans that are older.
    """

    entity: str
    fields: list[str]
    inputs: dict[str, str]
    stages: list[Stage]
    row_values: dict[str, str]
    features: list[str]
    stride_ms: int
    overlap_ms: int
    only: dict[str, str] = {}
    once: bool | UnsetType = UNSET

    @property
    def counts_once(self) -> bool:
        """Whether an event that comes again leaves the state as it is."""
        return self.once is True

    @property
    def windows(self) -> LandmarkWindows:
        """The landmark windows."""
        return LandmarkWindows(self.stride_ms, self.overlap_ms)

    @property
    def cell_ms(self) -> int:
        """Length of the longest stretch of time, at most a day, of which every landmark window holds all or nothing."""
        return math.gcd(self.stride_ms, self.overlap_ms, _DAY_MS)


def compile_plan(
    event: type[Event],
    features: Sequence[Feature],
    only: Mapping[str, str] = NO_CONDITION,
    *,
    once: bool = False,
) -> Plan:
    """Compile features to SQL text.

    Parameters
    ----------
    event
        The scored event type; the stage of its Kafka key comes first.
    features
        In the order in which the estimator takes them.
    only
        Text fields and the values that events must have.
    once
        Whether an event or label counts once, however often it comes.

    Raises
    ------
    RefuseSpecError
        For a duplicate name, an unknown field or feature, a field of another type, a name that means something
        already, features that read each other, or half-lives too far apart.
    """
    check_features(event, features)
    check_only(event, only)
    steps = steps_of(event.key_field, features)
    text = _Text(event, features, once=once)
    half_lives = sorted({a.half_life_ms for f in features for a in f.accumulators if a.half_life_ms})
    windows = landmark_windows(
        frozenset(half_lives),
        history_ms=max((f.history_ms for f in features), default=0),
        slopes_ms=frozenset(f.options["half_life_ms"] for f in features if f.kind == "slope"),
    )
    return Plan(
        entity=event.key_field,
        fields=list(event.__struct_fields__),
        inputs=_inputs(features, half_lives),
        stages=[text.stage(number, key, own) for number, (key, own) in enumerate(steps)],
        row_values={f.name: text.row(f) for f in features if f.entity is None},
        features=[f.name for f in features if not f.helper],
        stride_ms=windows.stride_ms,
        overlap_ms=windows.overlap_ms,
        only=dict(only),
        once=True if once else UNSET,
    )


def only_sql(plan: Plan) -> str:
    """Return the condition for rows that a plan sees: labels, and the events that have the values it asks for."""
    conditions = [f"{name} <=> {quoted(value)}" for name, value in plan.only.items()]
    return f"({IS_LABEL} or ({' and '.join(conditions)}))" if conditions else "true"


def may_be_seen_sql(plan: Plan) -> str:
    """Return a condition on the Kafka column `value` that is true for all events that a plan sees, and cheaper than parsing."""
    plain = [value for value in plan.only.values() if _PLAIN.fullmatch(value)]
    return " and ".join(says(value) for value in plain) or "true"


def is_seen(only: Mapping[str, str], event: Event) -> bool:
    """Whether an event has the values that a plan asks for."""
    return all(getattr(event, name) == value for name, value in only.items())


def _inputs(features: Sequence[Feature], half_lives: Sequence[int]) -> dict[str, str]:
    return {
        **{_weight(half_life): f"pow(2D, {_age(half_life)})" for half_life in half_lives},
        **{measured_column(name): measured_sql(name) for name in measurements_of(features)},
    }


class _Text:
    """Renders the features of one model, in the order of its stages: what a stage has computed is a column afterwards."""

    def __init__(self, event: type[Event], features: Sequence[Feature], *, once: bool) -> None:
        self._counted = f" and not {AGAIN}" if once else ""
        self._features = {f.name: f for f in features}
        self._nullable = nullable_features(event, features)
        self._values: dict[str, str] = {}
        self._keys: set[str] = set()

    def stage(self, number: int, key: str, features: Sequence[Feature]) -> Stage:
        """Return the next stage."""
        name = key if key not in self._keys else f"{key}_{number}"
        aggregates = [self._aggregate(a) for f in features for a in f.accumulators]
        column = {sql: f"{name}_state_{i}" for i, sql in enumerate(dict.fromkeys(aggregates))}
        kept = self._kept(features)
        recent = {count: f"{name}_recent_{count}" for count in kept}
        for feature in features:
            self._values[feature.name] = self._value(feature, column, recent, kept)
        values = {f.name: self._values[f.name] for f in features}
        self._values |= {f.name: f.name for f in features}
        counters = {} if key in self._keys else self._counters(key)
        self._keys.add(key)
        arrays = {recent[count]: self._newest(count, columns) for count, columns in kept.items()}
        return Stage(key, {c: sql for sql, c in column.items()} | arrays, counters, values)

    def row(self, feature: Feature) -> str:
        """Return a feature of the row as SQL."""
        return self._render(feature.arguments["x"])

    def _render(self, expression: Expression) -> str:
        return _filled(expression.sql, {r.name: self._read(r.name) for r in expression.reads if r.feature})

    def _read(self, name: str) -> str:
        feature = self._features[name]
        if feature.entity is None:
            return f"({self.row(feature)})"
        value = self._values.get(name)
        return name if value is None or value == name else f"({value})"

    def _aggregate(self, accumulator: Accumulator) -> str:
        half_life, argument = accumulator.half_life_ms, accumulator.argument
        names = {"present": accumulator.rows + self._counted}
        if half_life is not None:
            names |= {"w": _weight(half_life), "age": _age(half_life)}
        if argument is not None:
            names["x"] = self._render(argument)
            if self._nullable(argument):
                names["present"] += f" and {names['x']} is not null"
        return _filled(accumulator.template, names)

    def _kept(self, features: Sequence[Feature]) -> dict[int, dict[str, str]]:
        """Return what is kept of the last events: their number -> SQL -> name in the struct."""
        kept: dict[int, dict[str, str]] = {}
        for feature in features:
            if feature.kept:
                columns = kept.setdefault(feature.kept.count, {})
                for expression in feature.kept.columns.values():
                    columns.setdefault(self._render(expression), f"v{len(columns)}")
        return kept

    def _value(
        self,
        feature: Feature,
        column: Mapping[str, str],
        recent: Mapping[int, str],
        kept: Mapping[int, Mapping[str, str]],
    ) -> str:
        names = {str(i): column[self._aggregate(a)] for i, a in enumerate(feature.accumulators)}
        names |= {name: f"({self._render(e)})" for name, e in feature.arguments.items()}
        names |= {name: str(value) for name, value in feature.options.items()}
        if "half_life_ms" in feature.options:
            names["w"] = _weight(feature.options["half_life_ms"])
        if feature.kept:
            columns = kept[feature.kept.count]
            names["kept"] = recent[feature.kept.count]
            names |= {f".{n}": columns[self._render(e)] for n, e in feature.kept.columns.items()}
        return _filled(feature.value, names)

    def _newest(self, count: int, columns: Mapping[str, str]) -> str:
        kept = ", ".join(
            ["event_time as t", "event_id as id", *(f"{sql} as {name}" for sql, name in columns.items())]
        )
        order = f"case when {IS_EVENT}{self._counted} then struct(event_time, event_id) end"
        return f"max_by(struct({kept}), {order}, {count})"

    def _counters(self, key: str) -> dict[str, str]:
        rows = {"events": IS_EVENT, "labels": IS_LABEL}
        return {f"{key}_{name}": f"count_if({sql}{self._counted})" for name, sql in rows.items()}


def _filled(template: str, names: Mapping[str, str]) -> str:
    return re.sub(r"\{(\.?\w+)\}", lambda found: names[found[1]], template)


def _weight(half_life_ms: int) -> str:
    return f"weight_{half_life_ms}"


def _age(half_life_ms: int) -> str:
    return f"((event_time - {WINDOW_START}) / {half_life_ms}D)"
