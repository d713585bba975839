"""What the tests of replay share: a small file of cards, a clock that ticks, and what arrived on a bus."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from ingest.memory import Bus, MemoryProducer
from ingest.ports import Record
from ingest.reports import FeedReport
from models import events

START = datetime(2020, 1, 1, tzinfo=UTC)

Replay = Callable[..., FeedReport]


class Ticks:
    """A monotonic clock that advances by a step each time it is asked."""

    def __init__(self, step_s: float) -> None:
        self._step_s = step_s
        self._now = 0.0

    def __call__(self) -> float:
        self._now += self._step_s
        return self._now


def table(count: int) -> pa.Table:
    return pa.table(
        {
            "TRANSACTION_ID": range(count),
            "TX_DATETIME": [(START + timedelta(hours=n)).replace(tzinfo=None) for n in range(count)],
            "CUSTOMER_ID": [f"41111111{n % 5}" for n in range(count)],
            "TERMINAL_ID": [n % 7 for n in range(count)],
            "TX_AMOUNT": [1.5 * n for n in range(count)],
            "TX_FRAUD": [n % 10 == 0 for n in range(count)],
        }
    )


def sent(bus: Bus) -> list[events.AnyEvent]:
    """Everything on the bus, in the order of its sending per topic."""
    return [events.decode(r.value) for topic in ("transactions", "labels") for r in bus.read_all(topic)]  # type: ignore[arg-type]


def ids(records: Sequence[Record]) -> list[str]:
    return [events.decode(record.value).event_id for record in records]


class Recorder:
    """A producer that remembers the order across topics."""

    def __init__(self, inner: MemoryProducer) -> None:
        self._inner = inner
        self.order: list[events.AnyEvent] = []

    def send(self, topic: Any, key: bytes | str, value: bytes, **rest: Any) -> None:
        self._inner.send(topic, key, value, **rest)
        self.order.append(events.decode(value))

    def flush(self) -> None:
        self._inner.flush()
