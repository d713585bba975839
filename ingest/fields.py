"""What kinds of value an event's fields take, derived from the event types; `event_time` stands apart."""

from functools import cache
from typing import Final, Literal

import msgspec
from msgspec.inspect import BoolType, DictType, FloatType, StrType, Type, UnionType

from models.events import EVENT_TYPES

Kind = Literal["text", "number", "flag", "measurements"]

_KINDS: Final[dict[type[Type], Kind]] = {
    StrType: "text", FloatType: "number", BoolType: "flag", DictType: "measurements",
}  # fmt: skip


@cache
def field_kinds(event: str) -> dict[str, Kind]:
    """Return the kind of each field of an event type except its time."""
    fields = msgspec.structs.fields(EVENT_TYPES[event])
    return {f.name: _kind(msgspec.inspect.type_info(f.type)) for f in fields if f.name != "event_time"}


def required_fields(event: str) -> list[str]:
    """Return the fields, except the time, that an event of this type can't be without."""
    fields = msgspec.structs.fields(EVENT_TYPES[event])
    return [f.name for f in fields if f.required and f.name != "event_time"]


def _kind(of: Type) -> Kind:
    inner = next(t for t in of.types if type(t) in _KINDS) if isinstance(of, UnionType) else of
    return _KINDS[type(inner)]
