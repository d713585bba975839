"""The producer: idempotent, acknowledged by all in-sync replicas, held back when its buffer is full."""

from functools import partial
from types import TracebackType
from typing import Any, Final, Self

import confluent_kafka
import structlog
from confluent_kafka import KafkaError, KafkaException, Message

from ingest.catalog import TOPICS, topic_name
from ingest.client import base_config, explain
from ingest.errors import RetryLaterError
from ingest.ports import Headers, OnAck
from ingest.settings import KafkaSettings, TopicName

log = structlog.get_logger(__name__)

BUFFER_FULL_WAIT_S: Final = 0.05
"""How long to let acknowledgements come in when the buffer is full, in seconds."""

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
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._names = {name: topic_name(settings, name) for name in TOPICS}
        self._failures: list[KafkaError] = []
        self._client = confluent_kafka.Producer(
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
        """
        name = self._names.get(topic) or topic_name(self._settings, topic)
        done = self._delivered if on_ack is None else partial(self._acknowledged, on_ack)
        record = (name, value, key, _ANY_PARTITION, done, None, timestamp_ms or _NOW, headers)
        while not self._queued(record):
            self._client.poll(BUFFER_FULL_WAIT_S)
        self._client.poll(0)

    def flush(self) -> None:
        """Wait until every record is acknowledged.

        Raises
        ------
        RetryLaterError
            When one was not; which ones were is not known, so send them all again.
        StopProcessError
            When the client can't go on.
        """
        waiting = self._client.flush(self._settings.delivery_timeout_ms / 1000)
        failures, self._failures = self._failures, []
        if failures:
            raise explain(failures[0], f"{len(failures)} records were not acknowledged")
        if waiting:
            raise RetryLaterError(f"{waiting} records wait for their acknowledgement; is Kafka there?")

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

    def _delivered(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            self._failures.append(error)

    def _acknowledged(self, on_ack: OnAck, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._failures.append(error)
        else:
            on_ack(message.partition() or 0, message.offset() or 0)
