"""Whether one version can read what another writes, decided from the JSON schemas of both: the pure part.

A schema is what msgspec derives from a type. The reader has to know every field, unless it ignores unknown ones, and
the writer has to write all that the reader insists on.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

Schema = Mapping[str, Any]

_LOWER: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_SAME: Final = ("pattern", "multipleOf", "format", "contentEncoding")
_REF: Final = "#/$defs/"


@dataclass(frozen=True)
class Shape:
    """What is written in one place.

    Attributes
    ----------
    schema
        Of the whole.
    parts
        Named schemas that it refers to.
    """

    schema: Schema
    parts: Mapping[str, Schema]


def unreadable(reader: Shape, writer: Shape) -> list[str]:
    """Return why the reader can't read all that the writer may write; nothing where it can."""
    return list(
        dict.fromkeys(_Comparison(reader.parts, writer.parts).differences(reader.schema, writer.schema, ""))
    )


@dataclass
class _Comparison:
    """Both sides' named schemas, and the pairs that are being compared: a schema may refer to itself."""

    ours: Mapping[str, Schema]
    theirs: Mapping[str, Schema]
    open: set[tuple[str, str]] = field(default_factory=set)

    def differences(self, ours: Schema, theirs: Schema, where: str) -> Iterator[str]:
        names = (str(ours.get("$ref", "")), str(theirs.get("$ref", "")))
        if all(names):
            if names in self.open:
                return
            self.open.add(names)
        mine, its = _resolved(ours, self.ours), _resolved(theirs, self.theirs)
        if "anyOf" in its:
            for each in its["anyOf"]:
                yield from self.differences(ours, each, where)
        elif "anyOf" in mine:
            yield from self._among(mine["anyOf"], theirs, where)
        else:
            yield from self._one(mine, its, where)

    def _among(self, choices: list[Schema], theirs: Schema, where: str) -> Iterator[str]:
        """Whether one of the choices reads it; the differences to the nearest one otherwise."""
        found: list[list[str]] = []
        for choice in choices:
            trial = _Comparison(self.ours, self.theirs, set(self.open))
            found.append(list(trial.differences(choice, theirs, where)))
        yield from min(found, key=len)

    def _one(self, ours: Schema, theirs: Schema, where: str) -> Iterator[str]:
        if "enum" in theirs:
            yield from self._values(ours, theirs, where)
            return
        if "type" not in ours:
            if "enum" in ours:
                yield f"{where or 'it'} may be anything but {_few(ours['enum'])}"
            return
        if theirs.get("type") != ours["type"] and (ours["type"], theirs.get("type")) != ("number", "integer"):
            yield f"{where or 'it'} is {theirs.get('type', 'anything')}, not {ours['type']}"
            return
        yield from _limits(ours, theirs, where)
        if ours["type"] == "object":
            yield from self._objects(ours, theirs, where)
        elif ours["type"] == "array":
            yield from self._arrays(ours, theirs, where)

    def _values(self, ours: Schema, theirs: Schema, where: str) -> Iterator[str]:
        if "enum" in ours:
            new = [value for value in theirs["enum"] if value not in ours["enum"]]
            if new:
                yield f"{where or 'it'} may be {_few(new)}"
        elif "type" in ours:
            other = {_type_of(value) for value in theirs["enum"]} - {ours["type"]}
            if other and not (ours["type"] == "number" and other == {"integer"}):
                yield f"{where or 'it'} is {', '.join(sorted(other))}, not {ours['type']}"

    def _objects(self, ours: Schema, theirs: Schema, where: str) -> Iterator[str]:
        known, rest = ours.get("properties", {}), ours.get("additionalProperties", True)
        name_of = f"{where}.{{}}" if where else "{}"
        for name, schema in theirs.get("properties", {}).items():
            if name in known:
                yield from self.differences(known[name], schema, name_of.format(name))
            elif rest is False:
                yield f"{name_of.format(name)} is unknown to it"
            elif isinstance(rest, Mapping):
                yield from self.differences(rest, schema, name_of.format(name))
        for name in ours.get("required", ()):
            if name not in theirs.get("required", ()):
                yield f"{name_of.format(name)} may be missing"
        more = theirs.get("additionalProperties", True)
        if isinstance(more, Mapping):
            if isinstance(rest, Mapping):
                yield from self.differences(rest, more, name_of.format("*"))
            elif rest is False or known:
                yield f"{where or 'it'} has names of any kind"

    def _arrays(self, ours: Schema, theirs: Schema, where: str) -> Iterator[str]:
        own, other = ours.get("prefixItems", []), theirs.get("prefixItems", [])
        if len(own) != len(other):
            yield f"{where or 'it'} has {len(other)} members, not {len(own)}"
            return
        for number, (mine, its) in enumerate(zip(own, other, strict=True)):
            yield from self.differences(mine, its, f"{where}[{number}]")
        mine, its = ours.get("items", {}), theirs.get("items", {})
        if isinstance(mine, Mapping) and isinstance(its, Mapping):
            yield from self.differences(mine, its, f"{where}[]")


def _limits(ours: Schema, theirs: Schema, where: str) -> Iterator[str]:
    for name in (*_LOWER, *_UPPER, *_SAME):
        if name not in ours:
            continue
        own, other = ours[name], theirs.get(name)
        fits = other == own or (
            other is not None and ((name in _LOWER and own <= other) or (name in _UPPER and own >= other))
        )
        if not fits:
            yield f"{where or 'it'} has {name} {other}, not {own}"


def _resolved(schema: Schema, parts: Mapping[str, Schema]) -> Schema:
    name = schema.get("$ref")
    return schema if name is None else parts[name.removeprefix(_REF)]


def _type_of(value: object) -> str:
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null"}
    return kinds.get(type(value), "object")


def _few(values: list[Any]) -> str:
    return ", ".join(repr(value) for value in values[:3]) + (" and more" if len(values) > 3 else "")  # noqa: PLR2004
