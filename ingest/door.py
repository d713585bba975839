"""The door: every event enters Kafka here, or becomes a dead letter with its reason; nothing gets lost.

The door trusts nobody: typed events are checked as strictly as raw ones. Card numbers are masked in what
a dead letter keeps.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from ingest.masking import mask_cards
from ingest.offers import Item, Offer, Refusal, checked, offer_raw
from ingest.ports import Clock, ProducerPort
from models import dead_letters, rejections
from models.dead_letters import KEPT_BYTES, DeadLetter
from models.errors import RejectEventError
from models.events import FUTURE_TOLERANCE_MS, Event

KEPT_DETAIL: Final = 500
"""How much of a rejection's text a dead letter keeps, in characters."""

_CARD_LENGTH: Final = 64
"""How far to look past the kept payload, so that a card number at its end is masked whole, in bytes."""


class Door:
    """Takes events in and counts them.

    Parameters
    ----------
    producer
        Where they go; not flushed here except by `flush`.
    clock
        The time, milliseconds since the epoch: the events' Kafka timestamp.

    Attributes
    ----------
    accepted
        How many events were taken, by event type.
    rejected
        How many were refused, by reason.
    """

    def __init__(self, producer: ProducerPort, clock: Clock) -> None:
        self._producer = producer
        self._clock = clock
        self.accepted: Counter[str] = Counter()
        self.rejected: Counter[str] = Counter()

    def event(self, event: Event, source: str, position: int) -> bool:
        """Take a typed event; return whether it was accepted."""
        return self.take(Offer(event, source, position))

    def raw(self, raw: bytes | Mapping[str, Any], source: str, position: int) -> bool:
        """Take an event in wire format, as JSON bytes or as an object; return whether it was accepted."""
        return self.take(offer_raw(raw, source, position))

    def take(self, item: Item) -> bool:
        """Send an offered event to its topic, or a refusal to the dead letters; return whether it was accepted."""
        if isinstance(item, Offer):
            return self._offered(item)
        self._reject(item)
        return False

    def flush(self) -> None:
        """Wait until Kafka has acknowledged everything taken so far; `RetryLaterError` when it has not."""
        self._producer.flush()

    def _offered(self, item: Offer) -> bool:
        event, now = item.event, self._clock()
        try:
            payload = checked(event)
            _refuse_future(event, now)
        except RejectEventError as error:
            held = repr(event).encode(errors="backslashreplace")
            self._reject(Refusal(error.reason, error.detail, held, item.source, item.position))
            return False
        self._producer.send(event.topic, event.key, payload, timestamp_ms=now)  # type: ignore[arg-type]
        self.accepted[event.__struct_config__.tag] += 1  # type: ignore[index]
        return True

    def _reject(self, refusal: Refusal) -> None:
        payload = mask_cards(refusal.payload[: KEPT_BYTES + _CARD_LENGTH])
        letter = DeadLetter(
            reason=refusal.reason,
            detail=mask_cards(refusal.detail.encode(errors="replace")).decode()[:KEPT_DETAIL],
            source=refusal.source,
            position=str(refusal.position),
            payload=dead_letters.payload_of(payload),
            size=refusal.size or len(refusal.payload),
            rejected_at=self._clock(),
        )
        self._producer.send("dead-letters", refusal.source, dead_letters.encode(letter))
        self.rejected[refusal.reason] += 1


def _refuse_future(event: Event, now: int) -> None:
    if event.event_time > now + FUTURE_TOLERANCE_MS:
        raise RejectEventError(
            rejections.FUTURE_EVENT_TIME,
            f"event time {event.event_time} is {event.event_time - now} ms after now, "
            f"{FUTURE_TOLERANCE_MS} ms are tolerated",
        )
