"""What a model computes, in words and SQL, and what it keeps per key, in bytes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from models import schema
from models.algebra import Feature
from models.checking import nullable_names
from models.events import Event
from models.plan import Plan, Stage
from models.spec import ModelSpec
from models.staging import steps_of

_TEXT_BYTES: Final = 32
_FIXED_BYTES: Final = 8
_STRUCT_BYTES: Final = 24


@dataclass(frozen=True)
class FeatureText:
    """One feature: its name, what it measures over which entity, its SQL, and whether it may be null."""

    name: str
    entity: str | None
    kind: str
    sql: str
    nullable: bool


@dataclass(frozen=True)
class StageText:
    """One keyed step: what it keeps per key and window, and about how many bytes that takes.

    Attributes
    ----------
    accumulator_bytes
        What the features need.
    carried_bytes
        The last row, which Spark keeps so that the stage can pass it on.
    """

    key: str
    accumulators: dict[str, str]
    accumulator_bytes: int
    carried_bytes: int


@dataclass(frozen=True)
class Explanation:
    """All that `fastdata models explain` shows. Window lengths are milliseconds.

    Attributes
    ----------
    id_bytes
        What is kept of each event and label until it would be late, where each counts once; else None.
    """

    name: str
    version: str
    features: list[FeatureText]
    stages: list[StageText]
    stride_ms: int
    overlap_ms: int
    id_bytes: int | None

    @property
    def state_bytes(self) -> int:
        """Bytes of state per key, summed over the stages, in one window; a key is in at most two."""
        return sum(s.accumulator_bytes + s.carried_bytes for s in self.stages)


def explain(spec: ModelSpec) -> Explanation:
    """Return what a model computes and keeps."""
    plan = spec.plan()
    sql = {**plan.row_values, **{name: text for stage in plan.stages for name, text in stage.values.items()}}
    nullable = set(nullable_names(spec.event, spec.features))
    steps = steps_of(spec.event.key_field, spec.features)
    return Explanation(
        name=spec.name,
        version=spec.version,
        features=[
            FeatureText(f.name, f.entity, f.kind, sql[f.name], f.name in nullable) for f in spec.features
        ],
        stages=[_stage(spec.event, plan, number, own) for number, (_, own) in enumerate(steps)],
        stride_ms=plan.stride_ms,
        overlap_ms=plan.overlap_ms,
        id_bytes=_TEXT_BYTES + _FIXED_BYTES + _carried(spec.event, plan, 0) if plan.counts_once else None,
    )


def _stage(event: type[Event], plan: Plan, number: int, features: Sequence[Feature]) -> StageText:
    stage = plan.stages[number]
    return StageText(
        key=stage.key,
        accumulators=stage.accumulators,
        accumulator_bytes=_accumulators(stage, features),
        carried_bytes=_carried(event, plan, number),
    )


def _accumulators(stage: Stage, features: Sequence[Feature]) -> int:
    sketches = sum(a.state_bytes for f in features for a in f.accumulators if a.state_bytes > _FIXED_BYTES)
    kept = {f.kept.count: f.kept.columns for f in features if f.kept}
    recent = sum(
        count * (_STRUCT_BYTES + _TEXT_BYTES + _FIXED_BYTES * (2 + len(columns)))
        for count, columns in kept.items()
    )
    plain = sum("sum(" in sql for sql in stage.accumulators.values()) + len(stage.counters)
    return sketches + recent + plain * _FIXED_BYTES


def _carried(event: type[Event], plan: Plan, number: int) -> int:
    texts = sum(f.plain is str for f in schema.fields(event))
    earlier = sum(len(s.values) + len(s.counters) for s in plan.stages[:number])
    fixed = len(plan.fields) + len(plan.inputs) + earlier + 5
    return _STRUCT_BYTES + fixed * _FIXED_BYTES + (texts + 1) * _TEXT_BYTES
