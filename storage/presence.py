"""Whether rows are there, asked by their whole key and without reading what they hold."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, Protocol

from cassandra.cluster import Session
from cassandra.concurrent import execute_concurrent_with_args

from storage.failures import mapped
from storage.memory import MemoryScoreStore
from storage.score_rows import date_value
from storage.times import day_of

_THERE: Final = (
    "SELECT model FROM scores WHERE entity = ? AND day = ? AND event_time = ? AND event_id = ? AND model = ?"
)
_AT_ONCE: Final = 16


class ScoreKey(NamedTuple):
    """The key of one score (`event_time` in milliseconds since the epoch)."""

    entity: str
    event_time: int
    event_id: str
    model: str


class Presence(Protocol):
    """Answers for many keys at once."""

    def absent(self, keys: Sequence[ScoreKey]) -> list[ScoreKey]:
        """Return those of the keys that have no row, in their order."""
        ...


class CassandraPresence:
    """`Presence` on the table `scores`.

    Parameters
    ----------
    session
        Of a keyspace that has all migrations.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        with mapped("preparing the question for scores"):
            self._there = session.prepare(_THERE)

    def absent(self, keys: Sequence[ScoreKey]) -> list[ScoreKey]:
        """Return those of the keys that have no row, in their order."""
        with mapped(f"looking for {len(keys)} scores"):
            answers = execute_concurrent_with_args(
                self._session, self._there, [_values(key) for key in keys], concurrency=_AT_ONCE
            )
            return [
                key for key, answer in zip(keys, answers, strict=True) if answer.result_or_exc.one() is None
            ]


class MemoryPresence:
    """`Presence` on the twin of scores."""

    def __init__(self, scores: MemoryScoreStore) -> None:
        self._scores = scores

    def absent(self, keys: Sequence[ScoreKey]) -> list[ScoreKey]:
        """Return those of the keys that have no row, in their order."""
        return [key for key in keys if not self._has(key)]

    def _has(self, key: ScoreKey) -> bool:
        found = self._scores.by_event(key.event_id)
        return any(
            (s.entity, s.event_time, s.model) == (key.entity, key.event_time, key.model) for s in found
        )


def _values(key: ScoreKey) -> tuple[Any, ...]:
    return (key.entity, date_value(day_of(key.event_time)), key.event_time, key.event_id, key.model)
