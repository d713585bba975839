"""An errand: one command at the gateway, from its coming to the last word of its device; pure decisions.

A command is taken up once by its id, and only one last word counts. The one exception: when no device has
spoken in time and the gateway has said `expired`, a device's later `succeeded` is the truth and is told.
"""

from typing import Final, Literal, TypeAlias

import msgspec
from msgspec.structs import replace

from models.actions import Ack, Command, Outcome

State: TypeAlias = Literal["taken", "sent"] | Outcome
"""`taken`: not handed over yet. `sent`: a broker keeps it for the device. Then what the device said."""

UNDER_WAY: Final[frozenset[State]] = frozenset({"taken", "sent", "delivered"})


class Errand(msgspec.Struct, frozen=True, kw_only=True):
    """Where a command is.

    Attributes
    ----------
    command
        None for a command that was cancelled before it came.
    cancel
        The request to drop it, once there is one.
    ack
        The latest answer to whoever sent it; None as long as there is none.
    """

    command_id: str
    entity: str
    state: State
    expires_at: int
    command: Command | None = None
    cancel: Command | None = None
    ack: Ack | None = None

    @property
    def under_way(self) -> bool:
        """Whether its last word is still to come."""
        return self.state in UNDER_WAY


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """What was heard of a command; `entity` is who said it, None when the way there vouches for that."""

    command_id: str
    said: Literal["sent"] | Outcome
    reason: str = ""
    entity: str | None = None


def take(errand: Errand | None, command: Command, now: int) -> Errand:
    """Take a command, at this time in milliseconds since the epoch; one that is known changes nothing."""
    if errand is not None:
        return errand
    new = Errand(
        command_id=command.command_id,
        entity=command.entity,
        state="taken",
        expires_at=command.expires_at,
        command=command,
    )
    late = now - command.expires_at
    return _answered(new, "expired", f"expired {late} ms ago", now) if late > 0 else new


def take_cancel(errand: Errand | None, cancel: Command, now: int) -> Errand:
    """Take a request to drop the command `cancel.cancels`, whose errand this is if there is one."""
    assert cancel.cancels is not None
    if errand is None:
        unseen = Errand(
            command_id=cancel.cancels, entity=cancel.entity, state="taken", expires_at=cancel.expires_at
        )
        return _answered(unseen, "cancelled", "cancelled before it came", now)
    if not errand.under_way or now > cancel.expires_at:
        return errand
    return replace(errand, cancel=cancel)


def hear(errand: Errand, word: Word, now: int) -> Errand:
    """Take what was heard of a command; what comes too late or twice changes nothing."""
    if word.entity is not None and word.entity != errand.entity:
        return errand
    if word.said == "sent":
        return replace(errand, state="sent") if errand.state == "taken" else errand
    if word.said == "delivered":
        news = errand.state in {"taken", "sent"}
    else:
        news = errand.under_way or (errand.state == "expired" and word.said == "succeeded")
    return _answered(errand, word.said, word.reason, now) if news else errand


def _answered(errand: Errand, outcome: Outcome, reason: str, now: int) -> Errand:
    ack = Ack(command_id=errand.command_id, entity=errand.entity, outcome=outcome, reason=reason, at=now)
    return replace(errand, state=outcome, ack=ack)
