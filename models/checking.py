"""What is checked when a model's features are declared: names, what they read, of which type, and what may be null."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, get_origin

from models import schema
from models.algebra import IS_LABEL, Feature
from models.errors import RefuseSpecError
from models.events import LABELS, Event
from models.expressions import Expression, Kind, Read

RESERVED: Final = frozenset(
    [
        "event",
        "features",
        "fraud",
        "ingested_at",
        "is_again",
        "key",
        "label",
        "offset",
        "partition",
        "reasons",
        "score",
        "shadows",
        "t",
        "threshold",
        "timestamp",
        "topic",
        "value",
        "version",
        "win",
    ]
)
"""Column names of the query."""

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_KINDS: Final[dict[object, Kind]] = {str: "text", int: "number", float: "number", bool: "boolean"}


def check_features(event: type[Event], features: Sequence[Feature]) -> None:
    """Refuse features that can't be computed on this event.

    Raises
    ------
    RefuseSpecError
        With the feature, what is wrong, and what would fit.
    """
    if all(f.helper for f in features):
        raise RefuseSpecError("a model needs at least one feature that its estimator takes")
    kinds = _kinds(event)
    _check_labels(event, features)
    names = [f.name for f in features]
    for number, feature in enumerate(features):
        _check_name(feature, names[:number], kinds)
        if feature.entity is not None and kinds.get(feature.entity) != "text":
            raise RefuseSpecError(
                f"feature {feature.name!r} reads {feature.entity!r} as its key; the event's keys are {_listed(kinds, 'text')}"
            )
        for read in sorted(reads_of(feature), key=lambda r: r.name):
            _check_read(feature, read, kinds, names)


def nullable_features(event: type[Event], features: Sequence[Feature]) -> Callable[[Expression], bool]:
    """Return a function that tells whether an expression over this event may be null."""
    optional = {f.name for f in schema.fields(event) if f.optional}
    by_name = {f.name: f for f in features}

    def may_be(expression: Expression) -> bool:
        if expression.nulls != "when a read is":
            return expression.nulls == "maybe"
        return any(
            feature_may_be(by_name[read.name]) if read.feature else read.name in optional
            for read in expression.reads
        )

    def feature_may_be(feature: Feature) -> bool:
        if feature.nulls != "when an argument is":
            return feature.nulls == "maybe"
        return any(may_be(argument) for argument in feature.arguments.values())

    return may_be


def nullable_names(event: type[Event], features: Sequence[Feature]) -> list[str]:
    """Return the features that may be null, in order."""
    may_be = nullable_features(event, features)
    return [
        f.name
        for f in features
        if f.nulls == "maybe" or (f.nulls != "never" and any(may_be(a) for a in f.arguments.values()))
    ]


def reads_of(feature: Feature) -> frozenset[Read]:
    """Return all that a feature reads."""
    kept = feature.kept.columns.values() if feature.kept else ()
    arguments = [a.argument for a in feature.accumulators if a.argument is not None]
    return frozenset[Read]().union(*(e.reads for e in [*feature.arguments.values(), *arguments, *kept]))


def measurements_of(features: Sequence[Feature]) -> list[str]:
    """Return the names of the measurements that features read, sorted."""
    return sorted({r.measurement for f in features for r in reads_of(f) if r.measurement is not None})


def check_only(event: type[Event], only: Mapping[str, str]) -> None:
    """Refuse a condition on what is no text field of this event.

    Raises
    ------
    RefuseSpecError
        With the text fields that there are.
    """
    kinds = _kinds(event)
    wrong = [name for name, value in only.items() if kinds.get(name) != "text" or not isinstance(value, str)]
    if wrong:
        raise RefuseSpecError(
            f"only={dict(only)!r}: {', '.join(wrong)} is no text field with a text as its value; "
            f"the event's text fields are {_listed(kinds, 'text')}"
        )


def _check_labels(event: type[Event], features: Sequence[Feature]) -> None:
    rows = {a.rows: f.name for f in features for a in f.accumulators}
    if IS_LABEL in rows and event not in LABELS:
        raise RefuseSpecError(
            f"feature {rows[IS_LABEL]!r} counts late labels, and a {event.__struct_config__.tag} has none"
        )


def _check_name(feature: Feature, before: Sequence[str], kinds: Mapping[str, Kind]) -> None:
    name = feature.name
    if not _NAME.fullmatch(name):
        raise RefuseSpecError(
            f"feature name {name!r}: lower-case letters, digits and underscores, a letter first, at most 64"
        )
    if name in before:
        raise RefuseSpecError(f"two features are named {name!r}: names are unique within a model")
    if name in RESERVED or re.match(r"weight_\d|measured_|.*_(state|recent)_\d+$|.*_(events|labels)$", name):
        raise RefuseSpecError(f"feature name {name!r} has a meaning in the query already: choose another")
    if name in kinds and (feature.entity or feature.arguments["x"].sql != f"cast({name} as double)"):
        raise RefuseSpecError(f"feature {name!r} has the name of an event field but another value")


def _check_read(feature: Feature, read: Read, kinds: Mapping[str, Kind], names: Sequence[str]) -> None:
    if read.feature:
        if read.name not in names:
            raise RefuseSpecError(
                f"feature {feature.name!r} reads the feature {read.name!r}; the model has {', '.join(names)}"
            )
        return
    if read.name not in kinds:
        raise RefuseSpecError(
            f"feature {feature.name!r} reads {read.name!r}; the event has {', '.join(sorted(kinds))}"
        )
    kind = kinds[read.name]
    if kind == "measurements" != read.kind:
        raise RefuseSpecError(
            f"feature {feature.name!r} reads all {read.name}: name one of them, as in measurement('pressure')"
        )
    if kind != read.kind:
        raise RefuseSpecError(
            f"feature {feature.name!r} reads {read.name!r} as a {read.kind}, it is a {kind}: write field({read.name!r}, {kind!r})"
        )


def _kinds(event: type[Event]) -> dict[str, Kind]:
    return {
        f.name: "measurements" if get_origin(f.plain) is dict else _KINDS[f.plain]
        for f in schema.fields(event)
    }


def _listed(kinds: Mapping[str, Kind], kind: Kind) -> str:
    return ", ".join(sorted(name for name, own in kinds.items() if own == kind))
