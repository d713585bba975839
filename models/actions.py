"""The vocabulary of acting: commands that go to a device gateway and the acknowledgements that come back."""

from typing import Literal, TypeVar

import msgspec

from models.errors import RejectEventError
from models.rejections import MALFORMED_JSON

M = TypeVar("M")
CommandKind = Literal["block_card", "reduce_load", "stop_machine", "schedule_inspection"]
Outcome = Literal["succeeded", "refused", "expired"]


class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An order to a device; the id is stable, so a device that knows it drops a second delivery.

    Attributes
    ----------
    entity
        What the command acts on, and the Kafka key.
    alarm_id, condition
        The alarm that caused it, and the model that raised that.
    event_id, event_time
        The event whose alert opened the alarm (time in milliseconds since the epoch).
    issued_at, expires_at
        Milliseconds since the epoch; a gateway answers `expired` after `expires_at`.
    """

    command_id: str
    kind: CommandKind
    entity: str
    alarm_id: str
    condition: str
    event_id: str
    event_time: int
    issued_at: int
    expires_at: int


class Ack(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A gateway's answer to one command (`at` in milliseconds since the epoch)."""

    command_id: str
    entity: str
    alarm_id: str
    outcome: Outcome
    reason: str
    at: int


_encoder = msgspec.json.Encoder()
_commands = msgspec.json.Decoder(Command)
_acks = msgspec.json.Decoder(Ack)


def encode(message: Command | Ack) -> bytes:
    """Return the message as compact JSON."""
    return _encoder.encode(message)


def decode_command(data: bytes) -> Command:
    """Read one command; `RejectEventError` when the bytes are not one."""
    return _decode(_commands, data)


def decode_ack(data: bytes) -> Ack:
    """Read one acknowledgement; `RejectEventError` when the bytes are not one."""
    return _decode(_acks, data)


def _decode(decoder: "msgspec.json.Decoder[M]", data: bytes) -> M:
    try:
        return decoder.decode(data)
    except msgspec.DecodeError as error:
        raise RejectEventError(MALFORMED_JSON, str(error)) from error
