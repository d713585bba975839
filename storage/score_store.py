"""Scores in Cassandra: batches grouped by the replica that owns their rows, and reads by entity and event."""

from collections.abc import Iterator, Sequence
from typing import Final

from cassandra.cluster import Session
from cassandra.concurrent import execute_concurrent_with_args

from models.scores import Score
from storage.failures import mapped
from storage.flight import execute_all
from storage.requests import requests
from storage.scan import scan
from storage.score_rows import COLUMNS, date_value, from_row, to_values
from storage.scores import StampedScore
from storage.settings import CassandraSettings
from storage.times import days_between

_INSERT: Final = (
    f"INSERT INTO scores ({', '.join(COLUMNS)}) "  # noqa: S608 - the columns are constants
    f"VALUES ({', '.join('?' * len(COLUMNS))}) USING TIMESTAMP ?"
)
_OF_DAY: Final = "SELECT * FROM scores WHERE entity = ? AND day = ? AND event_time >= ? AND event_time < ?"
_BY_EVENT: Final = "SELECT * FROM scores WHERE event_id = ?"
_IDS: Final = "SELECT event_id, model FROM scores WHERE token(entity, day) > ? AND token(entity, day) <= ?"


class CassandraScoreStore:
    """`ScoreStore` on the table `scores`.

    Parameters
    ----------
    session
        Of a keyspace that has all migrations.

    Attributes
    ----------
    insert_statement
        The prepared statement of one row, for the values that `storage.score_rows.to_values` gives.
    """

    def __init__(self, session: Session, settings: CassandraSettings) -> None:
        self._session = session
        self._settings = settings
        with mapped("preparing the statements of scores"):
            self.insert_statement = session.prepare(_INSERT)
            self._of_day = session.prepare(_OF_DAY)
            self._by_event = session.prepare(_BY_EVENT)
            self._ids = session.prepare(_IDS)
        self.insert_statement.is_idempotent = True

    def write(self, scores: Sequence[StampedScore]) -> None:
        """Store all scores; any of them may be stored when it raises, and all may be written again."""
        rows = (self.insert_statement.bind(to_values(score)) for score in scores)
        execute_all(
            self._session,
            requests(self._session, self._settings, rows),
            most=self._settings.requests_in_flight,
            doing=f"writing {len(scores)} scores",
        )

    def of_entity(self, entity: str, start_ms: int, end_ms: int) -> list[Score]:
        """Return the scores of events with start <= event time < end, oldest first."""
        days = days_between(start_ms, end_ms)
        bounds = [(entity, date_value(day), start_ms, end_ms) for day in days]
        with mapped(f"reading the scores of {entity!r}"):
            answers = execute_concurrent_with_args(
                self._session, self._of_day, bounds, concurrency=self._settings.requests_in_flight
            )
            return [from_row(row) for answer in answers for row in answer.result_or_exc]

    def by_event(self, event_id: str) -> list[Score]:
        """Return what each model said of one event, sorted by model."""
        with mapped(f"reading the scores of event {event_id!r}"):
            rows = [from_row(row) for row in self._session.execute(self._by_event, (event_id,))]
        return sorted(rows, key=lambda score: score.model)

    def ids(self) -> Iterator[tuple[str, str]]:
        """Walk (event id, model) of all scores in no order, without loading them all at a time."""
        return ((row.event_id, row.model) for row in scan(self._session, self._ids))
