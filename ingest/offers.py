"""What a source offers to the door: a typed event, or something it could not make one of; with its origin."""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from models import events, rejections
from models.errors import RejectEventError
from models.events import AnyEvent, Event


class Offer(NamedTuple):
    """An event and where it came from (`position`: a row or line number, counted from 1)."""

    event: Event
    source: str
    position: int


class Refusal(NamedTuple):
    """Something that is no event: why, what it held (`size` bytes, if that is only the start), and its origin."""

    reason: str
    detail: str
    payload: bytes
    source: str
    position: int
    size: int = 0


Item = Offer | Refusal

_objects = msgspec.json.Decoder(dict[str, Any])


def offer(make: Callable[[], AnyEvent], payload: Callable[[], bytes], source: str, position: int) -> Item:
    """Return the event that `make` makes, or the refusal that its `RejectEventError` asks for."""
    try:
        return Offer(make(), source, position)
    except RejectEventError as error:
        return Refusal(error.reason, error.detail, payload(), source, position)


def offer_raw(raw: bytes | Mapping[str, Any], source: str, position: int) -> Item:
    """Read an event in wire format, as bytes or as an object; whatever it holds, the answer is an item."""
    payload = raw if isinstance(raw, bytes) else _encoded(raw)
    return offer(lambda: events.decode(payload), lambda: payload, source, position)


def checked(event: Event) -> bytes:
    """Return a typed event's JSON, once that is known to be read back as the same event.

    Raises
    ------
    RejectEventError
        When a field breaks the rules of its type: a constructor does not check them.
    """
    try:
        payload = events.encode(event)
        same = events.decode(payload) == event
    except UnicodeEncodeError as error:
        raise RejectEventError(rejections.WRONG_TYPE, f"text that is not Unicode: {error}") from error
    except RejectEventError as error:
        if not _all_finite(msgspec.structs.asdict(event).values()):
            raise RejectEventError(rejections.NOT_FINITE, f"NaN or Infinity: {error.detail}") from error
        raise
    if not same:
        raise RejectEventError(rejections.NOT_FINITE, "NaN or Infinity, which JSON can't carry")
    return payload


def _all_finite(values: Iterable[Any]) -> bool:
    return all(
        _all_finite(value.values())
        if isinstance(value, dict)
        else not isinstance(value, float) or math.isfinite(value)
        for value in values
    )


def decode_object(payload: bytes) -> dict[str, Any]:
    """Read one JSON object.

    Raises
    ------
    RejectEventError
        When the payload is none.
    """
    if not payload:
        raise RejectEventError(rejections.EMPTY, "the line is empty")
    try:
        return _objects.decode(payload)
    except events.UNREADABLE as error:
        raise events.rejection(error, payload) from error


def _encoded(raw: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(raw, default=str).encode()
    except (TypeError, ValueError, RecursionError) as error:
        return f"not encodable as JSON: {error}".encode()


def encode_row(row: Mapping[str, Any]) -> bytes:
    """Return a source's row as JSON, for a dead letter; what JSON lacks is written as text."""
    try:
        return msgspec.json.encode(row, enc_hook=str)
    except (TypeError, ValueError, UnicodeEncodeError):
        return _encoded({str(column): value for column, value in row.items()})
