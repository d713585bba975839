"""Names on the broker and times in MQTT's units; pure."""

from typing import Final
from urllib.parse import quote, unquote

_LONGEST_EXPIRY_S: Final = 0xFFFF_FFFF


def commands_topic(prefix: str, entity: str) -> str:
    """Return where the commands of this device are published; signs that topics reserve are written as `%2F`."""
    return f"{prefix}/{quote(entity, safe='')}/commands"


def acks_filter(prefix: str) -> str:
    """Return the filter for the answers of all devices."""
    return f"{prefix}/+/acks"


def entity_of(prefix: str, topic: str) -> str:
    """Return whose answers come on this topic."""
    return unquote(topic.removeprefix(f"{prefix}/").removesuffix("/acks"))


def seconds_left(expires_at: int, now: int) -> int:
    """Return how long a broker may keep a command, in whole seconds, at least one (times in milliseconds)."""
    return min(_LONGEST_EXPIRY_S, max(1, (expires_at - now) // 1_000))
