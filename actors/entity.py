"""What the entity store keeps of one entity as text: its alarms, its cases, and changes that may not be told yet."""

from functools import lru_cache
from typing import Final

import msgspec

from actors.alarm import Alarms
from actors.case import Cases
from models.alarms import AlarmChange


class EntityState(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything of one entity but its outbox.

    Attributes
    ----------
    untold
        Changes of alarms that Kafka may not have yet, in their order.
    """

    alarms: Alarms = Alarms()
    cases: Cases = Cases()
    untold: tuple[AlarmChange, ...] = ()


_KEPT: Final = 1_024
"""How many states are kept as they were read: one alert asks for the same a dozen times, 16 shards have 64 at hand."""

_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(EntityState)


def encode(state: EntityState) -> str:
    """Return the state as the text that the entity store keeps."""
    return _encoder.encode(state).decode()


def decode(text: str | None) -> EntityState:
    """Read what the entity store keeps; nothing kept means a new entity."""
    return EntityState() if text is None else _decoded(text)


@lru_cache(_KEPT)
def _decoded(text: str) -> EntityState:
    return _decoder.decode(text)
