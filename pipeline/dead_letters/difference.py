"""What is wrong with an event, field by field, against its type."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_type_hints

import msgspec

from ingest.masking import mask_cards
from models.events import Event, tag_of
from models.schema import Field, fields

Problem = Literal["missing", "unknown", "wrong", "fine", "absent"]

SHOWN: Final = 200
"""How much of a value is shown, in characters."""

_NAMES: Final = {str: "text", int: "whole number", float: "number", bool: "true or false"}


@dataclass(frozen=True)
class Finding:
    """One field.

    Attributes
    ----------
    problem
        `missing`: it has to be there; `unknown`: the type has no such field; `wrong`: its value does not fit;
        `absent`: it may be left out and is; `fine`.
    value
        What it holds as JSON, card numbers masked; None when it is not there.
    wanted
        What the type asks for; for a wrong value, what is wrong with it.
    """

    name: str
    problem: Problem
    value: str | None
    wanted: str


def difference(held: Mapping[str, Any], event_type: type[Event]) -> list[Finding]:
    """Return a finding per field of the type, then one per field that it does not have."""
    known = [_tag(held, event_type), *_known(held, event_type)]
    named = {finding.name for finding in known}
    unknown = [
        Finding(name, "unknown", masked(value), f"a {tag_of(event_type)} has no such field")
        for name, value in held.items()
        if name not in named
    ]
    return known + unknown


def masked(value: Any) -> str:
    """Return a value as JSON for people: card numbers masked, long texts cut."""
    try:
        text = msgspec.json.encode(value, enc_hook=str)
    except UnicodeEncodeError:
        text = repr(value).encode(errors="backslashreplace")
    if isinstance(value, float) and text == b"null":
        text = repr(value).encode()
    shown = mask_cards(text).decode(errors="replace")
    return shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}..."


def _tag(held: Mapping[str, Any], event_type: type[Event]) -> Finding:
    wanted = f'"{tag_of(event_type)}"'
    if "type" not in held:
        return Finding("type", "missing", None, wanted)
    problem: Problem = "fine" if held["type"] == tag_of(event_type) else "wrong"
    return Finding("type", problem, masked(held["type"]), wanted)


def _known(held: Mapping[str, Any], event_type: type[Event]) -> Iterator[Finding]:
    hints = get_type_hints(event_type, include_extras=True)
    for field in fields(event_type):
        if field.name not in held:
            problem: Problem = "absent" if field.optional else "missing"
            yield Finding(field.name, problem, None, _wanted(field))
            continue
        value = held[field.name]
        wrong = _misfit(value, hints[field.name])
        yield Finding(field.name, "wrong" if wrong else "fine", masked(value), wrong or _wanted(field))


def _misfit(value: Any, hint: Any) -> str | None:
    try:
        msgspec.convert(value, hint)
    except msgspec.ValidationError as error:
        return str(error)
    return None if _finite(value) else "NaN and Infinity are no numbers"


def _finite(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_finite, value.values()))
    return not isinstance(value, float) or value - value == 0


def _wanted(field: Field) -> str:
    meta = field.meta
    bounds = [
        *([f"{meta.ge:g} or more"] if meta.ge is not None else []),
        *([f"{meta.le:g} or less"] if meta.le is not None else []),
        *([f"as {meta.pattern}"] if meta.pattern is not None else []),
        *([f"{meta.min_length} to {meta.max_length} long"] if meta.max_length is not None else []),
    ]
    return ", ".join([_NAMES.get(field.plain, "names and numbers"), *bounds])
