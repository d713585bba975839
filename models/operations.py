"""What operators do: the operation that travels to the entity's actor, and its entry in the audit."""

from typing import Final, Literal, TypeAlias

import msgspec

from models.actions import CommandKind
from models.errors import RejectEventError
from models.rejections import MALFORMED_JSON

AlarmAction = Literal[
    "acknowledge", "shelve", "unshelve", "note", "reset", "take_out_of_service", "put_in_service"
]
CommandAction = Literal["send", "approve", "cancel", "revert", "stop_all", "resume"]
ALL_COMMANDS: Final = "*"
"""The entity, and the command, of an operation that concerns all."""

CaseAction = Literal["open", "assign", "release", "note", "set_due", "close"]
CaseOutcome = Literal["confirmed", "false_alarm", "inconclusive"]
Verdict = Literal["applied", "refused"]


class _Operation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="on"):
    """What all operations have; the id is the operator's, so that a second delivery changes nothing.

    Attributes
    ----------
    entity
        Whose alarm, command or case it is, and the Kafka key.
    who, why
        The operator's name, and the reason or note; the reason may be empty.
    asked_at, expires_at
        Milliseconds since the epoch; the actor refuses an operation that comes after `expires_at`.
    """

    operation_id: str
    entity: str
    who: str
    why: str
    asked_at: int
    expires_at: int


class AlarmOperation(_Operation, frozen=True, kw_only=True, tag="alarm"):
    """One thing that an operator wants of an alarm.

    Attributes
    ----------
    alarm_id, condition
        The alarm that the operator looked at. Shelving and service concern its condition, so they
        outlive that alarm.
    until
        For `shelve`: when it ends, milliseconds since the epoch; None is one-shot, until the alarm returns.
    """

    action: AlarmAction
    alarm_id: str
    condition: str
    until: int | None = None

    @property
    def target(self) -> str:
        """The id of what it concerns."""
        return self.alarm_id


class CommandOperation(_Operation, frozen=True, kw_only=True, tag="command"):
    """One thing that an operator wants of a command.

    Attributes
    ----------
    command_id
        The command; for `send` the id of the new one, for `stop_all` and `resume`, which concern no single entity,
        `ALL_COMMANDS`.
    kind, alarm_id
        For `send`: what to do, and the alarm that is the reason, if one is.
    """

    action: CommandAction
    command_id: str
    kind: CommandKind | None = None
    alarm_id: str | None = None

    @property
    def target(self) -> str:
        """The id of what it concerns."""
        return self.command_id


class CaseOperation(_Operation, frozen=True, kw_only=True, tag="case"):
    """One thing that an investigator wants of a case.

    Attributes
    ----------
    case_id
        The case; for `open` the id of the new one.
    assignee
        For `assign`: who shall work it.
    due_at
        For `set_due`: milliseconds since the epoch.
    outcome
        For `close`.
    """

    action: CaseAction
    case_id: str
    assignee: str | None = None
    due_at: int | None = None
    outcome: CaseOutcome | None = None

    @property
    def target(self) -> str:
        """The id of what it concerns."""
        return self.case_id


Operation: TypeAlias = AlarmOperation | CommandOperation | CaseOperation


class AuditEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What became of one operation; written once and never changed.

    Attributes
    ----------
    reason
        Why it was refused; empty when it was applied.
    decided_at
        Milliseconds since the epoch.
    before, after
        The state of what it concerns, as operators see it, on either side of the operation; None for an unknown one.
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
        decoded: Operation = _operations.decode(data)
    except msgspec.DecodeError as error:
        raise RejectEventError(MALFORMED_JSON, f"not an operation: {error}") from error
    return decoded


def decode_entry(data: bytes | str) -> AuditEntry:
    """Read one audit entry, as this module has encoded it."""
    return _entries.decode(data)
