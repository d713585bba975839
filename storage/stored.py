"""What the table `scores` holds, score by score: for whoever compares it with what was said elsewhere."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from cassandra.cluster import Session

from storage.failures import mapped
from storage.scan import scan

__all__ = ["Session", "Stored", "stored_scores"]

_SELECT: Final = (
    "SELECT event_id, model, score FROM scores WHERE token(entity, day) > ? AND token(entity, day) <= ?"
)


class Stored(NamedTuple):
    """One row."""

    event_id: str
    model: str
    score: float


def stored_scores(session: Session) -> Iterator[Stored]:
    """Walk all scores in no order, without loading them all at a time."""
    with mapped("preparing the scan of scores"):
        select = session.prepare(_SELECT)
    return (Stored(row.event_id, row.model, row.score) for row in scan(session, select))
