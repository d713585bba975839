"""The load when Kafka's client drops what it was given: it goes on, and nobody waits for what was dropped."""

import itertools
import random
import time
from typing import Any

import msgspec

from ingest.door import Door
from ingest.errors import RetryLaterError
from ingest.memory import Bus
from ingest.settings import KafkaSettings
from models.events import Transaction
from pipeline.drill.ledger import Ledger, LedgerProducer
from pipeline.drill.load import Knobs, Load

NOW = 1_800_000_000_000
SALE = Transaction(event_id="e0", event_time=NOW, card="tok_" + "0" * 24, terminal="T1", amount=10.0)


class Dropping:
    """A producer that drops what it is given at first, and says so at the third event."""

    def __init__(self, inner: Any) -> None:
        self._inner, self.given = inner, 0

    def send(self, *record: Any, **rest: Any) -> None:
        self.given += 1
        if self.given > 3:
            self._inner.send(*record, **rest)
        elif self.given == 3:
            raise RetryLaterError("3 records were dropped")

    def flush(self) -> None:
        self._inner.flush()


def test_events_that_are_dropped_count_as_sent_and_the_load_goes_on() -> None:
    bus = Bus(KafkaSettings(bootstrap_servers="none", prefix="t-"), lambda: NOW)
    ledger = Ledger(time.monotonic)
    door = Door(LedgerProducer(Dropping(bus.producer()), ledger), lambda: NOW)
    sales = (msgspec.structs.replace(SALE, event_id=f"e{number}") for number in itertools.count())
    load = Load(sales, door, Knobs(500.0), SALE.card, random.Random(1))
    load.start()
    while len(list(bus.read_all("transactions"))) < 2:
        time.sleep(0.01)
    load.pause()
    assert load.failure is None
    assert {"e0", "e1", "e2"} <= ledger.sent
    assert ledger.acked == ledger.sent - {"e0", "e1", "e2"}
    assert ledger.pending == {}
    load.close()
