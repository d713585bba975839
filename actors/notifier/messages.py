"""What a channel is given, and what falls due for it before it has words."""

from typing import Literal

import msgspec

from models.alarms import AlarmChange, Severity

MessageKind = Literal["changes", "escalation", "flood_began", "flood_ended", "test"]


class Message(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One message to one channel.

    Attributes
    ----------
    number
        Its place in the ledger; 0 before it is there.
    severity
        The worst in it.
    changes
        How many changes it tells of; of an escalation, how many alarms.
    created_at
        Milliseconds since the epoch.
    instead_of
        The channel that did not take it.
    """

    number: int = 0
    route: str
    channel: str
    kind: MessageKind
    severity: Severity
    title: str
    body: str
    changes: int
    created_at: int
    instead_of: str | None = None


class Flooded(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a route did not tell one by one, because a condition floods.

    Attributes
    ----------
    changes
        How many changes were not told so far.
    severity
        The worst of them.
    """

    route: str
    condition: str
    changes: int
    severity: Severity


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """Changes, or alarms that wait for an acknowledgement, that become one message to each of the channels."""

    route: str
    channels: tuple[str, ...]
    changes: tuple[AlarmChange, ...]
