"""The order of stages: which features a query computes at which keyed step, so that each reads what is there already.

What an accumulator reads must be known before its stage; what a value reads may come from the same stage.
"""

from collections.abc import Iterable, Mapping, Sequence

from models.algebra import Feature
from models.errors import RefuseSpecError
from models.expressions import Expression

Step = tuple[str, list[Feature]]
"""A key, and the features that its stage computes."""


def steps_of(entity: str, features: Sequence[Feature]) -> list[Step]:
    """Return the keyed steps in order, the one of the Kafka key first.

    Raises
    ------
    RefuseSpecError
        When features read each other in a circle, naming them.
    """
    by_name = {f.name: f for f in features}
    waiting = [f for f in features if f.entity is not None]
    before = {f.name: _keyed(_kept_reads(f), by_name, (f.name,)) for f in waiting}
    beside = {f.name: _keyed(_value_reads(f), by_name, (f.name,)) for f in waiting}
    for f in features:
        _keyed(_value_reads(f), by_name, (f.name,))
    steps: list[Step] = []
    done: set[str] = set()
    while waiting or not steps:
        keys = list(dict.fromkeys([entity, *(str(f.entity) for f in waiting)]))
        ready = {key: _ready([f for f in waiting if f.entity == key], done, before, beside) for key in keys}
        key = _next(entity if not steps else None, ready, waiting)
        steps.append((key, ready[key]))
        done |= {f.name for f in ready[key]}
        waiting = [f for f in waiting if f.name not in done]
    return steps


def _next(first: str | None, ready: Mapping[str, list[Feature]], waiting: Sequence[Feature]) -> str:
    if first is not None:
        return first
    for key, features in ready.items():
        if features and len(features) == sum(f.entity == key for f in waiting):
            return key
    for key, features in ready.items():
        if features:
            return key
    names = ", ".join(repr(f.name) for f in waiting)
    raise RefuseSpecError(
        f"features {names} read each other in a circle: let one of them read event fields only"
    )


def _ready(
    features: list[Feature],
    done: set[str],
    before: Mapping[str, frozenset[str]],
    beside: Mapping[str, frozenset[str]],
) -> list[Feature]:
    """Return those of one key that can be computed now: shrink until nothing reads what is missing."""
    chosen = [f for f in features if before[f.name] <= done]
    while True:
        known = done | {f.name for f in chosen}
        kept = [f for f in chosen if beside[f.name] <= known and f.name not in beside[f.name]]
        if len(kept) == len(chosen):
            return kept
        chosen = kept


def _kept_reads(feature: Feature) -> Iterable[str]:
    arguments = [a.argument for a in feature.accumulators if a.argument is not None]
    return features_read([*arguments, *(feature.kept.columns.values() if feature.kept else ())])


def _value_reads(feature: Feature) -> Iterable[str]:
    return features_read(feature.arguments.values())


def features_read(expressions: Iterable[Expression]) -> list[str]:
    """Return the names of the features that expressions read, in order."""
    return sorted({read.name for e in expressions for read in e.reads if read.feature})


def _keyed(names: Iterable[str], by_name: Mapping[str, Feature], path: tuple[str, ...]) -> frozenset[str]:
    """Return the keyed features behind these names; features of the row are looked through."""
    found: set[str] = set()
    for name in names:
        feature = by_name[name]
        if feature.entity is not None:
            found.add(name)
        elif name in path:
            circle = ", ".join(map(repr, path[path.index(name) :]))
            raise RefuseSpecError(
                f"features {circle} read each other in a circle: let one of them read event fields only"
            )
        else:
            found |= _keyed(_value_reads(feature), by_name, (*path, name))
    return frozenset(found)
