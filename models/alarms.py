"""The states of an alarm, in the words of ISA-18.2 and OPC UA part 9, and what is told of a change of them.

An entity without an open alarm of a condition is *normal*; that is the absence of an alarm, not a state of one.
"""

from typing import Final, Literal

import msgspec

from models.errors import RejectEventError
from models.rejections import MALFORMED_JSON

LifeState = Literal[
    "pending",
    "active_unacknowledged",
    "active_acknowledged",
    "returned_unacknowledged",
    "latched",
    "closed",
]
"""Where an alarm is in its life.

`pending`: its on-delay has not passed. `latched`: it has returned and was acknowledged, and an operator has to reset it.
`closed`: its life is over, and a later alert opens another.
"""

AlarmState = Literal[LifeState, "shelved", "suppressed", "out_of_service"]
"""What operators see: an open alarm may be set aside, whatever its life does meanwhile."""

Severity = Literal["low", "medium", "high", "critical"]

SEVERITIES: Final[tuple[Severity, ...]] = ("low", "medium", "high", "critical")
"""From the least to the worst."""

ChangeKind = Literal[
    "opened",
    "escalated",
    "eased",
    "realarmed",
    "returned",
    "reactivated",
    "acknowledged",
    "latched",
    "reset",
    "shelved",
    "unshelved",
    "suppressed",
    "unsuppressed",
    "taken_out_of_service",
    "put_in_service",
    "chattering",
    "stale",
    "closed",
]

PENDING: Final[LifeState] = "pending"
CLOSED: Final[LifeState] = "closed"

ACTIVE: Final[frozenset[str]] = frozenset({"active_unacknowledged", "active_acknowledged"})
"""States in which alerts still come."""

OPEN_STATES: Final[tuple[AlarmState, ...]] = (
    "active_unacknowledged",
    "returned_unacknowledged",
    "latched",
    "active_acknowledged",
    "pending",
    "shelved",
    "suppressed",
    "out_of_service",
)
"""All states but `closed`, those that want an operator first."""


class AlarmChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One change of one alarm, as the topic `alarms` tells it, at least once.

    Attributes
    ----------
    change_id
        The same for a change that is told again.
    state, severity
        As operators see them after the change.
    opened_at, at
        When the alarm was opened and when it changed, milliseconds since the epoch.
    alerts, peak
        How many alerts it has taken, and the worst score among them.
    """

    change_id: str
    change: ChangeKind
    alarm_id: str
    entity: str
    condition: str
    state: AlarmState
    severity: Severity
    event_id: str
    opened_at: int
    at: int
    alerts: int
    peak: float


_encoder = msgspec.json.Encoder()
_changes = msgspec.json.Decoder(AlarmChange)


def encode_change(change: AlarmChange) -> bytes:
    """Return the change as compact JSON."""
    return _encoder.encode(change)


def decode_change(data: bytes) -> AlarmChange:
    """Read one change; `RejectEventError` when the bytes are not one."""
    try:
        return _changes.decode(data)
    except msgspec.DecodeError as error:
        raise RejectEventError(MALFORMED_JSON, f"not a change of an alarm: {error}") from error
