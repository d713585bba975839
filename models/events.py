"""Event types: the one definition from which type, JSON codec, Spark schema and mapping rules follow.

An event travels as one JSON object whose field `type` names its type. Times are milliseconds since the
epoch, UTC. `models.schema` derives the fields, the Spark schema and the SQL predicate of validity.
"""

import math
import re
from typing import Annotated, Any, ClassVar, Final, get_args

import msgspec
from msgspec import Meta

from models import rejections
from models.errors import RejectEventError

MAX_EVENT_BYTES: Final = 65_536
"""Largest encoded event, in bytes; larger ones are refused as `too_large`."""

FUTURE_TOLERANCE_MS: Final = 60_000
"""How far an event time may lie after its Kafka timestamp, in milliseconds."""

Id = Annotated[str, Meta(min_length=1, max_length=64)]
"""An event's identity, unique per event type; a replay of an event carries the same id."""

Key = Annotated[str, Meta(min_length=1, max_length=64)]
"""The name of an entity: a terminal or a machine."""

CardToken = Annotated[str, Meta(pattern=r"^tok_[0-9a-f]{24}$")]
"""A card number after tokenisation (keyed hash); raw card numbers never match."""

Millis = Annotated[int, Meta(ge=0, le=4_102_444_800_000)]
"""Milliseconds since the epoch, 1970 to 2100."""

Amount = Annotated[float, Meta(ge=0, le=1e9)]
"""Money in the account's currency."""


class Event(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="type"):
    """What every event carries.

    Attributes
    ----------
    event_id
        Identity; stable across replays.
    event_time
        When it happened at the source, milliseconds since the epoch.
    """

    topic: ClassVar[str]
    key_field: ClassVar[str]

    event_id: Id
    event_time: Millis

    @property
    def key(self) -> str:
        """The entity that the event belongs to: Kafka key and first partition of its state."""
        return str(getattr(self, self.key_field))


class Transaction(Event, frozen=True, kw_only=True, tag="transaction"):
    """A card payment at a terminal."""

    topic: ClassVar[str] = "transactions"
    key_field: ClassVar[str] = "card"

    card: CardToken
    terminal: Key
    amount: Amount


class Label(Event, frozen=True, kw_only=True, tag="label"):
    """The late verdict on one transaction, with the transaction's keys; its time is when it became known."""

    topic: ClassVar[str] = "labels"
    key_field: ClassVar[str] = "card"

    transaction_id: Id
    card: CardToken
    terminal: Key
    fraud: bool


class Reading(Event, frozen=True, kw_only=True, tag="reading"):
    """Named measurements of one machine at one time; a missing measurement is null.

    Attributes
    ----------
    machine_class
        What kind of machine it is, as in `pump`: models may score one class only.
    measurements
        In the units of the machine's register.
    latitude, longitude
        Where it is, degrees; for assets that move.
    """

    topic: ClassVar[str] = "readings"
    key_field: ClassVar[str] = "machine"

    machine: Key
    machine_class: Key | None = None
    measurements: Annotated[dict[Key, float | None], Meta(min_length=1, max_length=60)]
    latitude: Annotated[float, Meta(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Meta(ge=-180, le=180)] | None = None


AnyEvent = Transaction | Label | Reading
EVENT_TYPES: Final[dict[str, type[Event]]] = {t.__struct_config__.tag: t for t in get_args(AnyEvent)}
"""Event types by their tag."""

LABELS: Final[dict[type[Event], type[Event]]] = {Transaction: Label}
"""Events that late labels are about, and the labels' type; labels share the keys of their events."""


def tag_of(event_type: type[Event]) -> str:
    """Return the tag of an event type."""
    return str(event_type.__struct_config__.tag)


def read_for(tag: str) -> list[str]:
    """Return the tags of the events that a query over this type reads: its own, and that of its labels."""
    labels = LABELS.get(EVENT_TYPES[tag])
    return [tag] if labels is None else [tag, tag_of(labels)]


NOT_FINITE_PATTERN: Final = r":\s*-?(NaN|Infinity)\b"
"""A bare word after a colon that other JSON writers put where a number has no value."""

_BARE_NOT_FINITE: Final = re.compile(NOT_FINITE_PATTERN.encode())
_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


def encode(event: Event) -> bytes:
    """Return the event as compact JSON."""
    return _encoder.encode(event)


def decode(data: bytes) -> AnyEvent:
    """Read one event from JSON.

    Raises
    ------
    RejectEventError
        With the reason and the path of the first field that is wrong.
    """
    if not data:
        raise RejectEventError(rejections.EMPTY, "the value is empty")
    if len(data) > MAX_EVENT_BYTES:
        raise RejectEventError(
            rejections.TOO_LARGE, f"{len(data)} bytes, at most {MAX_EVENT_BYTES} are taken"
        )
    try:
        return _decoder.decode(data)
    except UNREADABLE as error:
        raise rejection(error, data) from error


def build(event_type: str, fields: dict[str, Any]) -> AnyEvent:
    """Build one event from plain fields, as strictly as `decode`.

    Raises
    ------
    RejectEventError
        With the reason and the path of the first field that is wrong.
    """
    for name, value in fields.items():
        _refuse_not_finite(name, value)
    try:
        event: AnyEvent = msgspec.convert({"type": event_type, **fields}, AnyEvent)
    except msgspec.ValidationError as error:
        raise rejection(error, b"") from error
    try:
        size = len(encode(event))
    except UnicodeEncodeError as error:
        raise RejectEventError(rejections.WRONG_TYPE, f"text that is no Unicode: {error}") from error
    if size > MAX_EVENT_BYTES:
        raise RejectEventError(rejections.TOO_LARGE, f"{size} bytes, at most {MAX_EVENT_BYTES} are taken")
    return event


def _refuse_not_finite(name: str, value: Any) -> None:
    if isinstance(value, dict):
        for inner, number in value.items():
            _refuse_not_finite(f"{name}.{inner}", number)
    elif isinstance(value, float) and not math.isfinite(value):
        raise RejectEventError(rejections.NOT_FINITE, f"{value} is not a finite number - at `$.{name}`")


_REASON_BY_TEXT: Final = (
    ("missing required field", rejections.MISSING_FIELD),
    ("unknown field", rejections.UNKNOWN_FIELD),
    ("Invalid value", rejections.UNKNOWN_TYPE),
    (">=", rejections.OUT_OF_RANGE),
    ("<=", rejections.OUT_OF_RANGE),
    ("of length", rejections.OUT_OF_RANGE),
    ("matching regex", rejections.OUT_OF_RANGE),
    ("Integer value out of range", rejections.OUT_OF_RANGE),
    ("Number out of range", rejections.OUT_OF_RANGE),
)


_NULL_KEYS: Final = tuple(f"got `null` - at `$.{t.key_field}`" for t in get_args(AnyEvent))


UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What a JSON decoder raises for bytes that it can't turn into the type that is asked for."""


def rejection(error: Exception, data: bytes) -> RejectEventError:
    """Return why a decoder refused these bytes; `error` is one of `UNREADABLE`."""
    detail = str(error)
    if isinstance(error, RecursionError):
        return RejectEventError(rejections.MALFORMED_JSON, "nested too deeply")
    if not isinstance(error, msgspec.ValidationError):
        if _BARE_NOT_FINITE.search(data):
            return RejectEventError(rejections.NOT_FINITE, "NaN and Infinity are no JSON numbers")
        return RejectEventError(rejections.MALFORMED_JSON, detail)
    if detail.endswith(_NULL_KEYS):
        return RejectEventError(rejections.NULL_KEY, detail)
    for text, reason in _REASON_BY_TEXT:
        if text in detail:
            return RejectEventError(reason, detail)
    return RejectEventError(rejections.WRONG_TYPE, detail)
