"""An order: a command, and how far it has come; what an entity's outbox keeps of each."""

from typing import Literal

import msgspec

from models.actions import ENDED, Command, CommandStatus

Wait = Literal["release", "stop", "quiet_hours", "entity_limit", "permit"]
"""What a held command waits for; `release`: nothing but that somebody looks."""

Effect = Literal["awaited", "verified", "ineffective"]
"""What later events say of a command that succeeded; `ineffective`: its alarm's condition goes on."""

BY_POLICY = "policy"
"""Who wants a command that no person has sent."""


class Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One command of an entity's outbox. Times are milliseconds since the epoch.

    Attributes
    ----------
    changed_at
        When it changed last.
    reason
        What the device said, or why it is kept back; may be empty.
    policy
        The key of the policy that allows it.
    approvals
        Who has approved it, in their order.
    waits_for, look_at
        Why it is held, and when to look again.
    released_at
        When it was let go; from then on a device may have it.
    sends, sent_at
        How often Kafka took it, and when it did first.
    resend_at, times_out_at
        When it is sent again, and when no answer is an answer.
    answered_at
        When the device said its last word, by the gateway's clock.
    reverts_at, reverted_by, cancelled_by
        When it will be undone by itself; the commands that undo or drop it.
    effect, verify_from, verify_until
        Whether later events show its effect, and between which event times they would deny it.
    """

    command: Command
    status: CommandStatus
    changed_at: int
    reason: str = ""
    policy: str | None = None
    approvals: tuple[str, ...] = ()
    waits_for: Wait | None = None
    look_at: int | None = None
    released_at: int | None = None
    sends: int = 0
    sent_at: int | None = None
    resend_at: int | None = None
    times_out_at: int | None = None
    answered_at: int | None = None
    reverts_at: int | None = None
    reverted_by: str | None = None
    cancelled_by: str | None = None
    effect: Effect | None = None
    verify_from: int | None = None
    verify_until: int | None = None

    @property
    def command_id(self) -> str:
        """The id of its command."""
        return self.command.command_id

    @property
    def is_ended(self) -> bool:
        """Whether nothing more is done for it."""
        return self.status in ENDED

    @property
    def is_errand(self) -> bool:
        """Whether it undoes or drops another command, on that one's terms."""
        return self.command.reverts is not None or self.command.cancels is not None


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Order)


def encode(order: Order) -> str:
    """Return the order as the text that the entity store keeps."""
    return _encoder.encode(order).decode()


def decode(text: str) -> Order:
    """Read what the entity store keeps."""
    return _decoder.decode(text)
