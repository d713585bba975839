"""Publishing the outbox: commands go to Kafka, and count as sent when Kafka has acknowledged each of them."""

from collections.abc import Sequence
from functools import partial

from actors.errors import RetryLaterError
from ingest.ports import ProducerPort
from models.actions import decode_command
from storage.entities import CommandRow


class Publication:
    """The commands that one batch publishes: any number of `send`, then one `finish`.

    The producer is shared with other threads and its `flush` waits for, and fails for, everybody's records;
    so each command is ticked off by its own acknowledgement.
    """

    def __init__(self, producer: ProducerPort) -> None:
        self._producer = producer
        self._under_way: set[str] = set()

    def send(self, rows: Sequence[CommandRow]) -> None:
        """Hand over commands to Kafka, keyed by their entity."""
        for row in rows:
            body = row.body.encode()
            self._under_way.add(row.command_id)
            self._producer.send(
                "commands", decode_command(body).entity, body, on_ack=partial(self._acked, row.command_id)
            )

    def finish(self) -> None:
        """Wait until Kafka has them all; `RetryLaterError` when it lacks one."""
        if self._under_way:
            self._producer.flush()
        if self._under_way:
            raise RetryLaterError(
                f"Kafka acknowledged all but {len(self._under_way)} commands: they are published again"
            )

    def _acked(self, command_id: str, _partition: int, _offset: int) -> None:
        self._under_way.discard(command_id)
