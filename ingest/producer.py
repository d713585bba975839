"""The producer: idempotent, acknowledged by all in-sync replicas, held back when its buffer is full.

A client of librdkafka may stop sending for good after a restart of the only broker; then a new one takes its place.
"""

import time
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any, Final, Self

import confluent_kafka
import structlog
from confluent_kafka import KafkaError, KafkaException, Message

from ingest.admin import all_in_sync
from ingest.catalog import TOPICS, topic_name
from ingest.client import base_config, explain
from ingest.errors import RetryLaterError
from ingest.ports import Headers, OnAck
from ingest.settings import KafkaSettings, TopicName
from ingest.stall import Stall

log = structlog.get_logger(__name__)

BUFFER_FULL_WAIT_S: Final = 0.05
"""How long to let acknowledgements come in when the buffer is full, in seconds."""

_LOOK_S: Final = 0.005
"""How often a thread looks whether its records are acknowledged, which another thread may have been told, in seconds."""

STALL_S: Final = 5.0
"""After so long without an acknowledgement a producer looks whether Kafka is there, in seconds."""

_ANY_PARTITION: Final = -1
_NOW: Final = 0


class Producer:
    """Writes records to Kafka; use it as a context manager, which flushes at the end.

    Threads may share one. Then `flush` waits for, and fails for, the records of all of them, so that a
    thread which must know about its own records counts their `on_ack`.

    Parameters
    ----------
    settings
        Where Kafka is and how to batch.
    stall_s
        How often it looks, while nothing is acknowledged, whether all of Kafka is well, in seconds; after two such
        looks in a row the client is given up.
    """

    def __init__(self, settings: KafkaSettings, stall_s: float = STALL_S) -> None:
        self._settings = settings
        self._names = {name: topic_name(settings, name) for name in TOPICS}
        self._failures: list[KafkaError] = []
        self._stall = Stall(stall_s)
        self._client = _connect(settings)
        self._given_up: list[confluent_kafka.Producer] = []

    def send(
        self,
        topic: TopicName,
        key: bytes | str,
        value: bytes,
        *,
        headers: Headers | None = None,
        timestamp_ms: int | None = None,
        on_ack: OnAck | None = None,
    ) -> None:
        """Hand over one record; waits when too many are under way.

        Parameters
        ----------
        topic
            The topic's name without prefix.
        timestamp_ms
            Kafka's timestamp, milliseconds since the epoch; now when left out.
        on_ack
            Called with partition and offset, by a later `send` or `flush` of any thread.

        Raises
        ------
        RefuseInputError
            When the record is larger than Kafka takes.
        RefuseSettingsError
            When there is no such topic.
        RetryLaterError
            When the client has stalled; this record and all that wait are dropped.
        """
        if not len(self._client):
            self._stall.heard(time.monotonic())
        name = self._names.get(topic) or topic_name(self._settings, topic)
        done = self._delivered if on_ack is None else partial(self._acknowledged, on_ack)
        record = (name, value, key, _ANY_PARTITION, done, None, timestamp_ms or _NOW, headers)
        while not self._queued(record):
            self._client.poll(BUFFER_FULL_WAIT_S)
            self._raise_stalled()
        self._client.poll(0)
        self._raise_stalled()

    def flush(self) -> None:
        """Wait until every record is acknowledged.

        Raises
        ------
        RetryLaterError
            When one was not; which ones were is not known, so send them all again.
        StopProcessError
            When the client can't go on.
        """
        deadline = time.monotonic() + self._settings.delivery_timeout_ms / 1_000
        while waiting := self._client.flush(min(self._stall.patience_s, max(deadline - time.monotonic(), 0))):
            self._raise_stalled()
            if time.monotonic() >= deadline:
                break
        failures, self._failures = self._failures, []
        if failures:
            raise explain(failures[0], f"{len(failures)} records were not acknowledged")
        if waiting:
            raise RetryLaterError(f"{waiting} records wait for their acknowledgement; is Kafka there?")

    def settle(self, done: Callable[[], bool]) -> None:
        """Wait until acknowledgements have brought about `done`; other threads' records may go on filling batches.

        A flush sends everything at once and waits for all. With nothing left to come this returns in any case.

        Raises
        ------
        RetryLaterError
            When records were not acknowledged; which ones were is not known, so send them all again.
        StopProcessError
            When the client can't go on.
        """
        deadline = time.monotonic() + self._settings.delivery_timeout_ms / 1_000
        while not (done() or self._failures) and len(self._client) and time.monotonic() < deadline:
            self._client.poll(_LOOK_S)
            self._raise_stalled()
        if not done():
            self.flush()

    def close(self) -> None:
        """Flush and let go of the connections."""
        self.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.flush()
        else:
            log.warning("records left unacknowledged", count=len(self._client))
            self._client.purge()

    def _queued(self, record: tuple[Any, ...]) -> bool:
        try:
            self._client.produce(*record)
        except BufferError:
            return False
        except KafkaException as error:
            raise explain(error, f"send {len(record[1])} bytes to {record[0]}") from error
        return True

    def _raise_stalled(self) -> None:
        if not self._stall.is_due(time.monotonic()):
            return
        waiting = len(self._client)
        well = waiting > 0 and all_in_sync(self._settings.bootstrap_servers)
        if self._stall.looked(time.monotonic(), waiting=well):
            self._start_anew()
            raise RetryLaterError(
                f"{waiting} records were not acknowledged although Kafka is there: they are dropped, and those sent "
                "again go by a new client"
            )

    def _start_anew(self) -> None:
        """Put a new client in the place of the one that has stalled, whose records are dropped."""
        log.warning("a producer stalled: a new client takes its place", records=len(self._client))
        self._failures.clear()
        self._stall.heard(time.monotonic())
        stalled, self._client = self._client, _connect(self._settings)
        stalled.purge(blocking=False)
        # Kept: to let go of a client is to wait for its threads, which may never end.
        self._given_up.append(stalled)

    def _delivered(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            self._failures.append(error)
        else:
            self._stall.heard(time.monotonic())

    def _acknowledged(self, on_ack: OnAck, error: KafkaError | None, message: Message) -> None:
        self._delivered(error, message)
        if error is None:
            on_ack(message.partition() or 0, message.offset() or 0)


def _connect(settings: KafkaSettings) -> confluent_kafka.Producer:
    return confluent_kafka.Producer(
        base_config(settings)
        | {
            "acks": "all",
            "enable.idempotence": True,
            "linger.ms": settings.linger_ms,
            "compression.type": settings.compression,
            "delivery.timeout.ms": settings.delivery_timeout_ms,
            "partitioner": "murmur2_random",  # as the Java clients, so that Spark's sink agrees with us
        }
    )
