"""A dead letter: an event that was refused, kept with its reason, its origin and what it held."""

import base64
from typing import Final

import msgspec

from models.errors import RejectEventError
from models.rejections import MALFORMED_JSON

KEPT_BYTES: Final = 8_192
"""How much of a refused payload a dead letter keeps, in bytes."""


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """One refused event.

    Attributes
    ----------
    reason, detail
        One of `models.rejections.REASONS`, and the text for a person.
    source
        A file's name, a simulator's, or `kafka`.
    position
        Where in the source: a row number, or `topic/partition/offset`.
    topic, partition, offset
        Where the event lay in Kafka; null when the door refused it before it reached a topic.
    payload
        The first `KEPT_BYTES` of it, base64.
    size
        Bytes of the whole payload.
    rejected_at
        Milliseconds since the epoch.
    """

    reason: str
    detail: str
    source: str
    position: str
    payload: str
    size: int
    rejected_at: int
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None


def payload_of(data: bytes) -> str:
    """Return the kept part of a refused payload, as base64 text."""
    return base64.b64encode(data[:KEPT_BYTES]).decode()


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(DeadLetter)


def encode(letter: DeadLetter) -> bytes:
    """Return the dead letter as compact JSON."""
    return _encoder.encode(letter)


def decode(data: bytes) -> DeadLetter:
    """Read one dead letter; `RejectEventError` when the bytes are not one."""
    try:
        return _decoder.decode(data)
    except msgspec.DecodeError as error:
        raise RejectEventError(MALFORMED_JSON, f"not a dead letter: {error}") from error
