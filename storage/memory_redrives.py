"""The in-memory twin of the redrives."""

from collections.abc import Iterator
from dataclasses import replace
from threading import Lock

from storage.redrives import Redrive


class MemoryRedrives:
    """Redrives in a dictionary; safe for threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._rows: dict[str, Redrive] = {}

    def claim(self, redrive: Redrive) -> Redrive:
        """Store a redrive unless the letter has one, and return the one that it has now."""
        with self._lock:
            return self._rows.setdefault(redrive.letter_id, redrive)

    def take_over(self, held: Redrive, redrive: Redrive) -> Redrive:
        """Put a redrive in place of one that was never sent, and return the one that the letter has now."""
        with self._lock:
            now = self._rows[held.letter_id]
            if now.claim == held.claim and now.sent_at is None:
                self._rows[held.letter_id] = redrive
            return self._rows[held.letter_id]

    def settle(self, redrive: Redrive) -> bool:
        """Note when and where it was sent; return whether the letter still has this claim."""
        with self._lock:
            now = self._rows.get(redrive.letter_id)
            if now is None or now.claim != redrive.claim:
                return False
            self._rows[redrive.letter_id] = replace(
                now, sent_at=redrive.sent_at, partition=redrive.partition, offset=redrive.offset
            )
            return True

    def of(self, letter_id: str) -> Redrive | None:
        """Return the redrive of one letter, or None."""
        return self._rows.get(letter_id)

    def all(self) -> Iterator[Redrive]:
        """Walk all redrives in no order."""
        return iter(list(self._rows.values()))
