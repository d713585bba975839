"""Receipts: which messages of a partition are done, and up to where that makes their offsets safe to commit.

Shards finish out of order. Faust commits past a message that is still under way when a later one of the
same partition is acknowledged first (a new group has no committed offset to compare with, and its check for
gaps is off by one). So a message is acknowledged only when all that came before it on its partition are done.
"""

from collections import deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

M = TypeVar("M")


class Receipt(Generic[M]):
    """One message under way."""

    __slots__ = ("done", "message", "partition")

    def __init__(self, partition: Hashable, message: M) -> None:
        self.partition = partition
        self.message = message
        self.done = False


class Receipts(Generic[M]):
    """All messages under way, in the order of their partitions.

    Parameters
    ----------
    acknowledge
        Called once for each message, in order per partition.
    """

    def __init__(self, acknowledge: Callable[[M], object]) -> None:
        self._acknowledge = acknowledge
        self._under_way: dict[Hashable, deque[Receipt[M]]] = {}

    def begin(self, partition: Hashable, message: M) -> Receipt[M]:
        """Note a message that was just read."""
        receipt = Receipt(partition, message)
        self._under_way.setdefault(partition, deque()).append(receipt)
        return receipt

    def finish(self, receipt: Receipt[M]) -> None:
        """Note that a message is done, and acknowledge what that makes safe."""
        receipt.done = True
        waiting = self._under_way[receipt.partition]
        while waiting and waiting[0].done:
            self._acknowledge(waiting.popleft().message)

    def __len__(self) -> int:
        return sum(map(len, self._under_way.values()))
