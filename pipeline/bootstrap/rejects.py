"""What a consumer can't read goes to the dead letters, with where it lay; shared by writer, actors and gateway."""

from collections.abc import Callable

from ingest.ports import Clock, ProducerPort, Record
from models import dead_letters
from models.dead_letters import DeadLetter
from models.errors import RejectEventError

Reject = Callable[[Record, RejectEventError], None]


def reject_into(producer: ProducerPort, clock: Clock) -> Reject:
    """Return a function that writes one dead letter and returns when Kafka has it."""

    def reject(record: Record, error: RejectEventError) -> None:
        producer.send("dead-letters", record.topic, dead_letters.encode(letter(record, error, clock())))
        producer.flush()

    return reject


def letter(record: Record, error: RejectEventError, now: int) -> DeadLetter:
    """Return the dead letter of a record (`now` in milliseconds since the epoch)."""
    return DeadLetter(
        reason=error.reason,
        detail=error.detail,
        source="kafka",
        position=record.position,
        payload=dead_letters.payload_of(record.value),
        size=len(record.value),
        rejected_at=now,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
    )
