"""Reads commands and the gateway's answers for the plant, beside the stream of readings."""

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import structlog

from ingest.catalog import topic_name
from ingest.errors import IngestError, RetryLaterError
from ingest.fleet.orders import Order
from ingest.fleet.plant import Plant
from ingest.ports import ConsumerPort, Record
from ingest.settings import KafkaSettings
from models.actions import decode_ack, decode_command
from models.errors import RejectEventError

BATCH: Final = 500
POLL_S: Final = 0.1
PAUSE_S: Final = 1.0
"""How long to wait after Kafka was away, in seconds."""

_log = structlog.get_logger(__name__)


class OrderReader:
    """Turns records of `commands` and `acks` into orders.

    Parameters
    ----------
    consumer
        Reads both topics; closed by the caller.
    settings
        For the topics' prefix.
    """

    def __init__(self, consumer: ConsumerPort, settings: KafkaSettings, plant: Plant) -> None:
        self._consumer = consumer
        self._acks = topic_name(settings, "acks")
        self._plant = plant
        self._waiting: queue.SimpleQueue[Order] = queue.SimpleQueue()
        self._failed: IngestError | None = None

    def orders(self) -> list[Order]:
        """Return what was ordered since the last call; raises what has ended the reading."""
        if self._failed is not None:
            raise self._failed
        found = []
        while not self._waiting.empty():
            found.append(self._waiting.get())
        return found

    def run(self, stop: threading.Event) -> None:
        """Read until `stop` is set; while Kafka is away, orders wait."""
        try:
            while not stop.is_set():
                try:
                    self.step()
                except RetryLaterError as error:
                    _log.warning("plant_waits_for_kafka", error=str(error))
                    stop.wait(PAUSE_S)
        except IngestError as error:
            self._failed = error

    def step(self) -> None:
        """Read once."""
        records = self._consumer.poll(BATCH, POLL_S)
        for order in self._decided(records):
            _log.info("plant_ordered", machine=order.machine, kind=order.kind)
            self._waiting.put(order)
        if records:
            self._consumer.commit(records)

    def _decided(self, records: Sequence[Record]) -> Iterator[Order]:
        for record in records:
            try:
                order = self._decide(record)
            except RejectEventError as error:
                _log.warning("plant_skips_record", where=record.position, error=str(error))
                continue
            if order is not None:
                yield order

    def _decide(self, record: Record) -> Order | None:
        if record.topic == self._acks:
            return self._plant.ack(decode_ack(record.value))
        return self._plant.command(decode_command(record.value))


@contextmanager
def reading_orders(reader: OrderReader) -> Iterator[Callable[[], list[Order]]]:
    """Read in a thread of its own; give the function that returns what was ordered since its last call."""
    stop = threading.Event()
    thread = threading.Thread(target=reader.run, args=(stop,), name="plant", daemon=True)
    thread.start()
    try:
        yield reader.orders
    finally:
        stop.set()
        thread.join()
