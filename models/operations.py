"""What operators do with alarms: the operation that travels to the entity's actor, and its entry in the audit."""

from typing import Literal

import msgspec

from models.errors import RejectEventError
from models.rejections import MALFORMED_JSON

Action = Literal["acknowledge", "shelve", "unshelve", "note", "take_out_of_service", "put_in_service"]
Verdict = Literal["applied", "refused"]


class Operation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One thing that an operator wants; the id is the operator's, so that a second delivery changes nothing.

    Attributes
    ----------
    entity
        Whose alarm it is, and the Kafka key.
    alarm_id, condition
        The alarm that the operator looked at. Shelving and service concern its condition, so they
        outlive that alarm.
    who, why
        The operator's name, and the reason or note; the reason may be empty.
    asked_at, expires_at
        Milliseconds since the epoch; the actor refuses an operation that comes after `expires_at`.
    until
        For `shelve`: when it ends, milliseconds since the epoch; None is one-shot, until the alarm returns.
    """

    operation_id: str
    action: Action
    entity: str
    condition: str
    alarm_id: str
    who: str
    why: str
    asked_at: int
    expires_at: int
    until: int | None = None


class AuditEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What became of one operation; written once and never changed.

    Attributes
    ----------
    reason
        Why it was refused; empty when it was applied.
    decided_at
        Milliseconds since the epoch.
    before, after
        The alarm's state, as operators see it, on either side of the operation; None for an unknown alarm.
    """

    operation: Operation
    verdict: Verdict
    reason: str
    decided_at: int
    before: str | None
    after: str | None


_encoder = msgspec.json.Encoder()
_operations = msgspec.json.Decoder(Operation)
_entries = msgspec.json.Decoder(AuditEntry)


def encode(message: Operation | AuditEntry) -> bytes:
    """Return the message as compact JSON."""
    return _encoder.encode(message)


def decode(data: bytes) -> Operation:
    """Read one operation; `RejectEventError` when the bytes are not one."""
    try:
        return _operations.decode(data)
    except msgspec.DecodeError as error:
        raise RejectEventError(MALFORMED_JSON, f"not an operation: {error}") from error


def decode_entry(data: bytes | str) -> AuditEntry:
    """Read one audit entry, as this module has encoded it."""
    return _entries.decode(data)
