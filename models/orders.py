"""An order: a command, and how far it has come; what an entity's outbox keeps of each."""

import msgspec

from models.actions import ENDED, Command, CommandStatus


class Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One command of an entity's outbox.

    Attributes
    ----------
    changed_at
        When it came into its status, milliseconds since the epoch.
    reason
        What the device said, or why it is kept back; may be empty.
    """

    command: Command
    status: CommandStatus
    changed_at: int
    reason: str = ""

    @property
    def is_ended(self) -> bool:
        """Whether nothing more is done for it."""
        return self.status in ENDED


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Order)


def encode(order: Order) -> str:
    """Return the order as the text that the entity store keeps."""
    return _encoder.encode(order).decode()


def decode(text: str) -> Order:
    """Read what the entity store keeps."""
    return _decoder.decode(text)
