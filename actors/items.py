"""What travels to a shard: alerts, acknowledgements, operations, messages that are none of these, and wakes."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TypeAlias

import msgspec

from ingest.ports import Record
from models import actions, operations, scores
from models.actions import Ack
from models.errors import RejectEventError
from models.operations import Operation
from models.scores import Score


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A message that is not what its topic holds, and why; it becomes a dead letter."""

    record: Record
    error: RejectEventError

    @property
    def entity(self) -> str:
        """The message's key, as text."""
        return (self.record.key or b"").decode(errors="replace")


class Wake(msgspec.Struct, frozen=True):
    """Time may have changed what an entity has: look. It comes from no topic, and losing it is harmless.

    Attributes
    ----------
    commands
        Ids of commands that are due; lists show them anew, changed or not.
    """

    entity: str
    commands: tuple[str, ...] = ()


Change: TypeAlias = Score | Ack | Operation | Wake
Item: TypeAlias = Change | Refusal
Reader: TypeAlias = Callable[[Record], Item]


def read_alert(record: Record) -> Item:
    """Read one message of the topic `alerts`."""
    return _read(scores.decode, record)


def read_ack(record: Record) -> Item:
    """Read one message of the topic `acks`."""
    return _read(actions.decode_ack, record)


def read_operation(record: Record) -> Item:
    """Read one message of the topic `operations`."""
    return _read(operations.decode, record)


def by_entity(items: Iterable[Item]) -> dict[str, list[Change]]:
    """Group what changes entities by entity, each group in the order of arrival."""
    groups: dict[str, list[Change]] = {}
    for item in items:
        if not isinstance(item, Refusal):
            groups.setdefault(item.entity, []).append(item)
    return groups


def rounds(items: Iterable[Item], most: int) -> list[list[Item]]:
    """Divide items so that no entity has more than `most` in one list, each entity's in the order of arrival."""
    counts: Counter[str] = Counter()
    divided: list[list[Item]] = []
    for item in items:
        number = counts[item.entity] // most
        counts[item.entity] += 1
        if number == len(divided):
            divided.append([])
        divided[number].append(item)
    return divided


def _read(decode: Callable[[bytes], Change], record: Record) -> Item:
    try:
        return decode(record.value)
    except RejectEventError as error:
        return Refusal(record=record, error=error)
