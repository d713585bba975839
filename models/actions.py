"""The vocabulary of acting: commands that go to a device gateway and the acknowledgements that come back."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeVar

import msgspec

from models.errors import RejectEventError
from models.rejections import MALFORMED_JSON

M = TypeVar("M")
CommandKind = Literal[
    "block_card",
    "unblock_card",
    "reduce_load",
    "restore_load",
    "stop_machine",
    "start_machine",
    "schedule_inspection",
]
Outcome = Literal["delivered", "succeeded", "refused", "expired", "cancelled"]
"""What a gateway says of a command; `delivered`: the device has it, and its last word is still to come."""

CommandStatus = Literal[
    "awaiting_approval",
    "held",
    "dry_run",
    "queued",
    "sent",
    "delivered",
    "succeeded",
    "refused",
    "timed_out",
    "expired",
    "cancelled",
]
"""Where a command is.

`awaiting_approval`: people have to agree first. `held`: a limit, quiet hours or a stop keeps it back. `dry_run`: it would
have been sent. `timed_out`: no device has said its last word in time; should one do so later, that counts.
"""

ENDED: Final[frozenset[CommandStatus]] = frozenset(
    {"dry_run", "succeeded", "refused", "timed_out", "expired", "cancelled"}
)
"""States in which nothing more is done for a command."""

REVERTS: Final[Mapping[CommandKind, CommandKind]] = MappingProxyType(
    {"block_card": "unblock_card", "reduce_load": "restore_load", "stop_machine": "start_machine"}
)
"""The kind of command that undoes another; what is not here can't be undone."""


class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An order to a device; the id is stable, so a device that knows it drops a second delivery.

    Attributes
    ----------
    entity
        What the command acts on, and the Kafka key.
    issued_at, expires_at
        Milliseconds since the epoch; a gateway answers `expired` after `expires_at`.
    by
        Who wants it: `policy`, or an operator's name.
    alarm_id, condition
        The alarm that caused it, and the model that raised that; None for one that an operator sends without an alarm.
    event_id, event_time
        The event whose alert opened the alarm (time in milliseconds since the epoch).
    reverts
        The command that this one undoes.
    cancels
        The command that shall be dropped if it was not carried out yet. The answer names that one: `cancelled`, or
        what became of it when it is too late.
    """

    command_id: str
    kind: CommandKind
    entity: str
    issued_at: int
    expires_at: int
    by: str = "policy"
    alarm_id: str | None = None
    condition: str | None = None
    event_id: str | None = None
    event_time: int | None = None
    reverts: str | None = None
    cancels: str | None = None


class Ack(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A gateway's answer to one command (`at` in milliseconds since the epoch)."""

    command_id: str
    entity: str
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
