"""Publishing what was saved: commands, changes of alarms, and labels, each done when Kafka has it."""

from collections.abc import Sequence
from functools import partial

from actors.errors import RetryLaterError
from ingest.ports import ProducerPort
from ingest.settings import TopicName
from models import events
from models.actions import encode
from models.alarms import AlarmChange, encode_change
from models.events import Label
from models.orders import Order


class Publication:
    """What one batch publishes: any number of `send`, `tell` and `label`, then one `finish`.

    The producer is shared with other threads; so each record is ticked off by its own acknowledgement.
    """

    def __init__(self, producer: ProducerPort) -> None:
        self._producer = producer
        self._under_way: set[str] = set()

    def send(self, orders: Sequence[Order]) -> None:
        """Hand over commands to Kafka, keyed by their entity."""
        for order in orders:
            command = order.command
            self._publish("commands", command.command_id, command.entity, encode(command))

    def tell(self, changes: Sequence[AlarmChange]) -> None:
        """Hand over changes of alarms to Kafka, keyed by their entity."""
        for change in changes:
            self._publish("alarms", change.change_id, change.entity, encode_change(change))

    def label(self, labels: Sequence[Label]) -> None:
        """Hand over labels to Kafka, keyed as the events that they are about."""
        for label in labels:
            self._publish("labels", label.event_id, label.key, events.encode(label))

    def finish(self) -> None:
        """Wait until Kafka has them all; `RetryLaterError` when it lacks one."""
        self._producer.settle(lambda: not self._under_way)
        if self._under_way:
            raise RetryLaterError(
                f"Kafka acknowledged all but {len(self._under_way)} messages: they are published again"
            )

    def _publish(self, topic: TopicName, name: str, entity: str, body: bytes) -> None:
        self._under_way.add(name)
        self._producer.send(topic, entity, body, on_ack=partial(self._acked, name))

    def _acked(self, command_id: str, _partition: int, _offset: int) -> None:
        self._under_way.discard(command_id)
