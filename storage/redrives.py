"""The port of the redrives: which dead letter was sent again, by whom and why, and that it is sent once."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Redrive:
    """One dead letter sent again: claimed first, sent afterwards, and then never again.

    Attributes
    ----------
    letter_id
        Which dead letter.
    claim
        Names this attempt; a letter has one claim at a time.
    who, why
        Who sends it and the reason, for the audit.
    reason, source, position
        Of the dead letter: its reason and where the event came from.
    fix
        The changes made to the event as JSON; empty when it was sent as it was.
    event_id, topic
        The event that was made of it, and the topic it goes to (without prefix).
    claimed_at, sent_at
        Milliseconds since the epoch; `sent_at` is None until Kafka has acknowledged it.
    partition, offset
        Where it lies in the topic; None until Kafka has acknowledged it.
    """

    letter_id: str
    claim: str
    who: str
    why: str
    reason: str
    source: str
    position: str
    fix: str
    event_id: str
    topic: str
    claimed_at: int
    sent_at: int | None = None
    partition: int | None = None
    offset: int | None = None


class RedriveStore(Protocol):
    """Redrives by letter; no two callers can hold the same letter's claim."""

    def claim(self, redrive: Redrive) -> Redrive:
        """Store a redrive unless the letter has one, and return the one that it has now.

        Raises
        ------
        RetryLaterError
            Cassandra did not confirm it; the same call may be repeated.
        """
        ...

    def take_over(self, held: Redrive, redrive: Redrive) -> Redrive:
        """Put a redrive in place of one that was never sent, and return the one that the letter has now."""
        ...

    def settle(self, redrive: Redrive) -> bool:
        """Note when and where it was sent; return whether the letter still has this claim."""
        ...

    def of(self, letter_id: str) -> Redrive | None:
        """Return the redrive of one letter, or None."""
        ...

    def all(self) -> Iterator[Redrive]:
        """Walk all redrives in no order."""
        ...
