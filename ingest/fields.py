"""What kinds of value an event's fields take in a mapping; `event_time` stands apart."""

from functools import cache
from typing import Any, Final, Literal

from models import schema
from models.events import EVENT_TYPES
from models.schema import Field

Kind = Literal["text", "number", "flag", "measurements"]

_KINDS: Final[dict[Any, Kind]] = {str: "text", float: "number", bool: "flag"}


@cache
def field_kinds(event: str) -> dict[str, Kind]:
    """Return the kind of each field of an event type except its time."""
    return {f.name: _KINDS.get(f.plain, "measurements") for f in _mapped(event)}


def required_fields(event: str) -> list[str]:
    """Return the fields, except the time, that an event of this type can't be without."""
    return [f.name for f in _mapped(event) if not f.optional]


def _mapped(event: str) -> list[Field]:
    return [f for f in schema.fields(EVENT_TYPES[event]) if f.name != "event_time"]
