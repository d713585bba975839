"""The plan: a model's features compiled to Spark SQL text, stage by stage. Plain data, so that it travels in an artifact.

Rows enter as events and labels in one shape; each stage keys them by one entity, adds what it keeps per key
and the values that follow. Stream and history run the same text (`processing.stages`).
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from models.errors import RefuseSpecError
from models.features import IS_EVENT, IS_LABEL, Accumulator, Feature
from models.windows import LandmarkWindows, landmark_windows

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
    weights
        Column -> decay weight of the row, computed once and shared by all stages.
    stages
        Keyed steps in order; the first one's key is the Kafka key.
    row_values
        Feature -> SQL over the row alone.
    features
        Names in the order in which the estimator takes them.
    stride_ms, overlap_ms
        The landmark windows, milliseconds.
    """

    entity: str
    fields: list[str]
    weights: dict[str, str]
    stages: list[Stage]
    row_values: dict[str, str]
    features: list[str]
    stride_ms: int
    overlap_ms: int

    @property
    def windows(self) -> LandmarkWindows:
        """The landmark windows."""
        return LandmarkWindows(self.stride_ms, self.overlap_ms)


def compile_plan(entity: str, fields: Sequence[str], features: Sequence[Feature]) -> Plan:
    """Compile features to SQL text.

    Parameters
    ----------
    entity
        The event field that is the Kafka key; its stage comes first.
    fields
        The scored event's fields.
    features
        In the order in which the estimator takes them.

    Raises
    ------
    RefuseSpecError
        For a duplicate name, an unknown field, a name that is a field already, or half-lives too far apart.
    """
    _check(frozenset(fields), features)
    half_lives = frozenset(a.half_life_ms for f in features for a in f.accumulators)
    windows = landmark_windows(half_lives)
    keys = dict.fromkeys([entity, *(f.entity for f in features if f.entity)])
    return Plan(
        entity=entity,
        fields=list(fields),
        weights={_weight(h): f"pow(2D, (event_time - {WINDOW_START}) / {h}D)" for h in sorted(half_lives)},
        stages=[_stage(key, [f for f in features if f.entity == key]) for key in keys],
        row_values={f.name: f.value for f in features if f.entity is None},
        features=[f.name for f in features],
        stride_ms=windows.stride_ms,
        overlap_ms=windows.overlap_ms,
    )


def _stage(key: str, features: Sequence[Feature]) -> Stage:
    distinct = dict.fromkeys(_aggregate(a) for f in features for a in f.accumulators)
    column = {sql: f"{key}_state_{i}" for i, sql in enumerate(distinct)}
    return Stage(
        key=key,
        accumulators={name: sql for sql, name in column.items()},
        counters={f"{key}_events": f"count_if({IS_EVENT})", f"{key}_labels": f"count_if({IS_LABEL})"},
        values={f.name: _value(f, column) for f in features},
    )


def _aggregate(accumulator: Accumulator) -> str:
    return accumulator.sql.replace("{w}", _weight(accumulator.half_life_ms))


def _value(feature: Feature, column: dict[str, str]) -> str:
    names = [column[_aggregate(a)] for a in feature.accumulators]
    return feature.value.format(*names, w=_weight(feature.accumulators[0].half_life_ms))


def _weight(half_life_ms: int) -> str:
    return f"weight_{half_life_ms}"


def _check(fields: frozenset[str], features: Sequence[Feature]) -> None:
    seen: set[str] = set()
    for feature in features:
        if feature.name in seen:
            raise RefuseSpecError(f"two features are named {feature.name!r}: names are unique within a model")
        if feature.name in fields and feature.value != f"cast({feature.name} as double)":
            raise RefuseSpecError(
                f"feature {feature.name!r} has the name of an event field but another value"
            )
        seen.add(feature.name)
        used = feature.fields.union(*(a.fields for a in feature.accumulators))
        for name in sorted((used | ({feature.entity} if feature.entity else set())) - fields):
            raise RefuseSpecError(
                f"feature {feature.name!r} reads {name!r}; the event has {', '.join(sorted(fields))}"
            )
