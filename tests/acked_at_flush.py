"""A producer for tests of actors: what was sent is acknowledged when it is flushed, and not before."""

from collections.abc import Callable
from typing import Any


class AckedAtFlush:
    """Sends nothing; says what it was given to `took`, which each test has its own of."""

    def __init__(self) -> None:
        self._waiting: list[Any] = []

    def send(self, topic: str, key: str, value: bytes, *, on_ack: Any) -> None:
        self.took(topic, key, value)
        self._waiting.append(on_ack)

    def flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        for on_ack in waiting:
            on_ack(0, 0)

    def settle(self, done: Callable[[], bool]) -> None:
        if not done():
            self.flush()

    def took(self, topic: str, key: str, value: bytes) -> None:
        raise NotImplementedError
